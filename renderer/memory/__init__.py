"""The world's memory: what places looked like, kept for as long as the session lives.

    world.py      the renderer's end of the long memory: a process of its own, started, fed, watched and restarted here
    process.py    that process                   forked.py   a memory that goes on from another's world
    worker.py     that process            notes.py   what the two tell each other, and the memory that they share
    store.py      what it holds: a voxel grid for what stands, patches for bodies, sky and what is far
    grid.py       the voxel grid (Open3D)            plain.py   the same in NumPy, slowly, for the tests
    patches.py    colours by thing and place in its own coordinates
    sight.py      a frame as the memory sees it      kept.py   what is kept of it, and the check of what claims to be
    prior.py      what it says of a frame, and the short memory: the last plate, carried to the frame of now
    mix.py        a plate held to that
    model_files.py  the remembered world as GLB and PLY

Colours are remembered as square roots of scene-linear values, so that a highlight weighs as much as it is seen.
"""
