"""The mini suite: a rendered, captioned world and small encoders that are really pre-trained on it.

draws -> shapes, textures, species, scenes -> factors -> render -> world, captions -> networks -> pretrain -> weights
factors, render -> shifts, tasks, generator: what is tested on, and what the generative stand-ins make; digits: not drawn here
"""
