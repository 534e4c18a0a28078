"""CLIP through open_clip, auxiliary encoders through timm."""
