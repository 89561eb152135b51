"""SIGNATURES (bodies follow): the run folder. Every path is a property of RunFolder.

folder = find_resumable(base, experiment) or RunFolder.create(base, experiment.name, experiment, command=sys.argv)
with folder.lock():                          # a second driver stops here with a clear message
    journal = folder.journal()               # truncates a torn last line
    replay = journal.replay()                # .records, .settings, .rounds, .best, .phase
    journal.append(FitDone(record), ...)     # returns when on disk (one fsync for all given)
"""
