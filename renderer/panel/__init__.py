"""The panel: one web page on loopback that shows what the renderer does and steers it.

Two processes. In the renderer's there is a tap (renderer/panel/tap.py) that copies planes when a page has asked for a
picture, and two threads that carry messages (renderer/panel/desk.py). Everything else, HTTP, pictures, pages, is in a
process of its own (renderer/panel/server.py), which shares neither the interpreter's lock nor its fate with the show
and starts when a browser first comes.
"""
