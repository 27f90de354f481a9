"""A street seen by a fixed camera, drawn entirely by code.

    camera.py    where a point of the world falls in the picture
    patch.py     drawing with fine edges onto a part of the picture
    charts.py    flat pictures measured in metres: bricks, slabs, leaves, lettering
    scenery.py   what stands still
    car.py       the vehicles
    walker.py    the people
    story.py     who is where when, and one whole frame
    sound.py     what is heard
    clip.py      frames, sound and subtitles into a file

The world is measured in metres: x to the right, y up, z along the road away from the camera.
Pictures are RGB, uint8.
"""
