"""`vsr ui`: a page in the browser, and the queue of jobs behind it."""
