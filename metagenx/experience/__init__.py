"""What was learned: every run of differential evolution ever made on this machine, with features of its problem.

It lies in a folder of the user's as Parquet and only grows. Later runs, search spaces and the choice of settings for a
file never seen learn from it.
"""
