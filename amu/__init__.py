"""AMU-Tuning: auxiliary features, multi-branch training, uncertainty-based fusion."""
