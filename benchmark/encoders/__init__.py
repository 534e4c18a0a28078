"""Frozen encoders: CLIP by open_clip, auxiliary encoders by timm, and imported features."""
