"""The methods that AMU-Tuning is compared with, one file each."""
