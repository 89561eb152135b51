"""The web page: drop a file, press a button, watch the curves, take the result home.

::

    server.py      metagenx serve, start-server, stop-server
    app.py         the web application: routes, sockets, and the guard in front of them
    desk.py        a file that is open in the page: a confined process that reads, simulates, plans
    jobs.py        what was asked for and what became of it: a folder each, which is the truth
    dispatcher.py  which job runs when, in processes that outlive the server
    follow.py      what a job's files say, as messages for browsers
"""
