"""What keeps a model script, a program from a stranger's file, from doing anything but arithmetic.

Four walls, each of which holds alone against most of what is tried:

* `check`: an allow-list over the script's syntax tree, its names, attributes and imports, before anything runs;
* `facades`: imports give fresh namespaces of harmless functions, never a real module, and `builtins` are our own;
* `rewrite`: what only shows at run time (who is written to, how large a power) is guarded there;
* `deadline` and `memory`: what runs ends in time and stays within its memory.

Rules for whatever a script can reach (model libraries, data sets), tested in ``tests/genx/test_script_walk.py`` and
``test_script_libraries.py``:

* no public attribute leads to a module, a file, a frame, or a container that models share;
* no function reads or writes an attribute whose name comes from a script, unless it checks what the object is and that
  the name is one of its parameters; names are ``type(name) is str``, because a subclass may lie;
* no function runs text (``eval``, ``typing.get_type_hints``, queries); a class that holds the name of an attribute, or
  an Enum without members, is not given out;
* whatever looks at an object that a script has made may run the script's code (``len``, ``==``, ``str``, properties):
  it does so within the limits (`ScriptModule.within_limits`), and before it trusts the result.
"""
