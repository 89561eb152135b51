"""What keeps a model script, a program from a stranger's file, from doing anything but arithmetic.

Four walls, each of which holds alone against most of what is tried:

* `check`: an allow-list over the script's syntax tree, its names, attributes and imports, before anything
  runs;
* `facades`: imports give fresh namespaces of harmless functions, never a real module, and `builtins` are our
  own;
* `rewrite`: the few things that only show at run time (who is written to, how large a power) are guarded
  there;
* `deadline` and `memory`: what runs ends in time and stays within its memory.
"""
