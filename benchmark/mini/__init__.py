"""The mini suite: a rendered, captioned world and small encoders that are really pre-trained on it.

Order of imports: draws -> shapes, textures, species, scenes -> factors -> render -> world, captions -> networks -> pretrain
-> weights. Built on factors and render: shifts and tasks (test data) and generator (stand-ins for generative models). The
module digits reads real scans and renders nothing.
"""
