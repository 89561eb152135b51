"""Many fits: experiments, search spaces, the race between settings, and Ray."""
