"""How much strangers may ask of the server, and foreign scripts of the machine."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """Limits of one server.

    Attributes
    ----------
    upload_bytes, upload_seconds, silent_seconds : of one uploaded file: its size, how long it may take altogether, and
        how long nothing may arrive.
    uploads_at_once, uploads_kept, stored_bytes : by everybody together; of the files that are kept the oldest without
        a job go first.
    body_bytes : of any other request.
    requests_per_second, burst : by one address, above which the answer is 429.
    sockets, sockets_of_one : live connections of all, and of one user.
    jobs_of_one, jobs : that wait or run, of one user and of all.
    desks : files that are open at once, a process each; the one that was idle longest is closed.
    desk_idle_seconds, answer_seconds : after which a process is closed, and given up.
    memory_bytes, cpu_seconds, file_bytes, processes, open_files : of one process that runs a foreign script; 0 is no
        limit. ``job_cpu_seconds`` stands instead of ``cpu_seconds`` for a fit.
    job_bytes : what a job may leave on the disk.
    session_seconds : after which a browser has to log in again.
    """

    upload_bytes: int = 200 * MEBIBYTE
    upload_seconds: float = 900.0
    silent_seconds: float = 20.0
    uploads_at_once: int = 8
    uploads_kept: int = 200
    stored_bytes: int = 4096 * MEBIBYTE
    body_bytes: int = MEBIBYTE
    requests_per_second: float = 50.0
    burst: int = 300
    sockets: int = 200
    sockets_of_one: int = 60
    jobs_of_one: int = 20
    jobs: int = 100
    desks: int = 6
    desk_idle_seconds: float = 900.0
    answer_seconds: float = 300.0
    memory_bytes: int = 6144 * MEBIBYTE
    cpu_seconds: int = 900
    job_cpu_seconds: int = 24 * 3600
    file_bytes: int = 1024 * MEBIBYTE
    processes: int = 128
    open_files: int = 256
    job_bytes: int = 2048 * MEBIBYTE
    session_seconds: float = 12 * 3600.0
