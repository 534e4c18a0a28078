"""AMU-Tuning (CVPR 2024): auxiliary features, multi-branch training, uncertainty-based fusion."""
