"""The people: rounded limbs swung by a walking cycle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from .camera import Camera, Points
from .patch import Color, Patch, Picture
from .scenery import on_ground

THIGH, SHIN, UPPER_ARM, FOREARM = 0.44, 0.43, 0.29, 0.27
SWING = 0.42  # of the thighs, in radians
STRIDE = 4 * (THIGH + SHIN) * math.sin(SWING)  # metres walked in one cycle
LIGHT = np.array([0.5, -0.3])  # where limbs are lit in the picture: right and above


@dataclass(frozen=True)
class Walker:
    """Somebody on foot.

    Attributes:
        coat: colour of the upper body.
        trousers: colour of the legs.
        hair: colour of the hair.
        skin: colour of face and hands.
        start: (x, z) at time 0.
        velocity: (x, z) in metres a second.
        bag: colour of the bag that hangs from one shoulder, or None.
    """

    coat: Color
    trousers: Color
    hair: Color
    skin: Color
    start: tuple[float, float]
    velocity: tuple[float, float]
    bag: Color | None = None


@dataclass(frozen=True)
class Limb:
    """A rounded piece of a body between two places.

    Attributes:
        ends: (2, 3), metres in the world.
        radii: at its two ends.
        color: RGB in full light.
    """

    ends: Points
    radii: tuple[float, float]
    color: Color


def limbs(walker: Walker, time: float) -> list[list[Limb]]:
    """The parts of a walker, roughly from the far side to the near one."""
    speed = math.hypot(*walker.velocity)
    ahead = np.array([walker.velocity[0] / speed, 0, walker.velocity[1] / speed])
    # The left hand, unless the camera sees the walker from that side.
    aside = np.array([-ahead[2], 0, ahead[0]])
    aside *= 1 if aside[2] > 0 else -1
    up = np.array([0.0, 1, 0])
    phase = 2 * math.pi * speed * time / STRIDE
    here = np.array([walker.start[0], 0, walker.start[1]]) + ahead * speed * time

    legs = [leg_angles(phase), leg_angles(phase + math.pi)]
    drop = [THIGH * math.cos(a) + SHIN * math.cos(b) for a, b in legs]
    hip = here + up * (max(drop) + 0.08)
    chest = hip + up * 0.48 + ahead * 0.03

    def swung(start: Points, length: float, angle: float) -> Points:
        return start + length * (ahead * math.sin(angle) - up * math.cos(angle))

    def leg(side: float, angles: tuple[float, float]) -> list[Limb]:
        top = hip + aside * 0.09 * side
        knee = swung(top, THIGH, angles[0])
        ankle = swung(knee, SHIN, angles[1])
        toe = ankle + ahead * 0.17 - up * (0.02 + 0.09 * max(0.0, -math.sin(angles[1])))
        shoe = (44, 38, 36)
        return [
            Limb(np.stack([ankle, toe]), (0.05, 0.035), shoe),
            Limb(np.stack([top, knee]), (0.095, 0.065), walker.trousers),
            Limb(np.stack([knee, ankle]), (0.065, 0.045), walker.trousers),
        ]

    def arm(side: float, angle: float) -> list[Limb]:
        shoulder = chest + aside * 0.19 * side
        elbow = swung(shoulder, UPPER_ARM, angle + 0.05)
        wrist = swung(elbow, FOREARM, angle + 0.38)
        hand = swung(wrist, 0.07, angle + 0.38)
        return [
            Limb(np.stack([wrist, hand]), (0.036, 0.034), walker.skin),
            Limb(np.stack([shoulder, elbow]), (0.062, 0.05), walker.coat),
            Limb(np.stack([elbow, wrist]), (0.05, 0.04), walker.coat),
        ]

    head = chest + up * 0.29 + ahead * 0.02
    torso = [
        Limb(np.stack([hip - up * 0.06, hip + up * 0.14]), (0.15, 0.145), walker.coat),
        Limb(np.stack([hip + up * 0.1, chest - up * 0.06]), (0.145, 0.16), walker.coat),
        Limb(np.stack([chest - aside * 0.17, chest + aside * 0.17]), (0.07, 0.07), walker.coat),
    ]
    neck = [Limb(np.stack([chest + up * 0.08, head]), (0.055, 0.055), walker.skin)]
    chin, brow = head - up * 0.05 + ahead * 0.03, head + up * 0.02 + ahead * 0.03
    face = [Limb(np.stack([chin, brow]), (0.075, 0.088), walker.skin)]
    hair = [Limb(np.stack([head - ahead * 0.03, head + up * 0.05]), (0.1, 0.1), walker.hair)]
    bag = []
    if walker.bag is not None:
        place = hip - aside * 0.19 - up * 0.08
        side = np.stack([place - ahead * 0.08, place + ahead * 0.08])
        strap = np.stack([place + up * 0.1, chest + aside * 0.1])
        bag = [Limb(strap, (0.014, 0.014), walker.bag), Limb(side, (0.1, 0.1), walker.bag)]
    arms = [arm(1, -0.5 * math.sin(phase)), arm(-1, 0.5 * math.sin(phase))]
    top = [neck, face, hair] if ahead[2] > 0.2 else [neck, hair, face]
    return [arms[0], leg(1, legs[0]), leg(-1, legs[1]), torso, *top, bag, arms[1]]


def leg_angles(phase: float) -> tuple[float, float]:
    """Of the thigh and of the shin against the vertical, forward positive."""
    thigh = SWING * math.sin(phase) + 0.04
    bend = 0.10 + 0.85 * max(0.0, math.cos(phase + 0.25)) ** 2
    return thigh, thigh - bend


def outline(ends: Points, radii: Points) -> Points:
    """The hull of two circles in the picture, convex."""
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], -1)
    both = np.concatenate([ends[i] + radii[i] * circle for i in (0, 1)])
    return cv2.convexHull(both.astype(np.float32))[:, 0].astype(float)


def draw_walker(picture: Picture, camera: Camera, walker: Walker, time: float) -> None:
    """Draw somebody onto the picture."""
    parts = limbs(walker, time)
    everything = np.concatenate([limb.ends for part in parts for limb in part])
    margin = 0.3 * camera.focal / float(camera.depth(everything).min())
    patch = Patch(picture.shape, camera.project(everything), margin)
    for part in parts:
        # Rounded: all of a part again and again, narrower and lighter, towards the light.
        for step in np.linspace(0, 1, 12):
            for limb in part:
                radii = np.array(limb.radii) * camera.focal / camera.depth(limb.ends)
                ends = camera.project(limb.ends) + LIGHT * radii[:, None] * 0.42 * step
                color = np.asarray(limb.color, float) * (0.56 + 0.54 * step)
                patch.fill(outline(ends, radii * (1 - 0.62 * step)), color)
    patch.blend(picture)


def draw_shadow(picture: Picture, camera: Camera, walker: Walker, time: float) -> None:
    """The shadow that somebody casts on the ground."""
    pieces = [limb for part in limbs(walker, time) for limb in part]
    seen = [camera.project(on_ground(piece.ends)) for piece in pieces]
    near = camera.focal / float(camera.depth(pieces[0].ends).min())
    patch = Patch(picture.shape, np.concatenate(seen), 0.3 * near)
    for piece, ends in zip(pieces, seen, strict=True):
        patch.fill(outline(ends, np.array(piece.radii) * near * 0.8), (0, 0, 0))
    patch.darken(picture, 0.5, 0.012 * near)
