"""The server's settings for this machine: a pure function of its memory and cores, so that a test can read it."""

import os
from pathlib import Path

MB = 1024 * 1024


def settings(*, memory: int, cores: int, shared: int, throwaway: bool = False) -> dict[str, str]:
    """`memory` and `shared` (/dev/shm) in bytes. The application lives on the same machine: an eighth is ours."""
    buffers = _between(64, memory // 8 // MB, 2048)
    values = {
        "listen_addresses": "''",
        "max_connections": "200",
        "superuser_reserved_connections": "5",
        "shared_buffers": f"{buffers}MB",
        "effective_cache_size": f"{_between(256, memory // 2 // MB, 65536)}MB",
        "work_mem": f"{_between(4, memory // 256 // MB, 32)}MB",
        "maintenance_work_mem": f"{_between(32, memory // 32 // MB, 512)}MB",
        "max_parallel_workers_per_gather": str(min(2, cores // 2) if shared >= 256 * MB else 0),
        "max_worker_processes": str(max(4, cores)),
        "random_page_cost": "1.1",
        "jit": "off",
        "wal_level": "replica",
        "max_wal_senders": "3",
        "max_wal_size": "2GB",
        "min_wal_size": "128MB",
        "wal_compression": "on",
        "checkpoint_timeout": "10min",
        "autovacuum_naptime": "20s",
        "track_io_timing": "on",
        "timezone": "'UTC'",
        "lc_messages": "'C'",
        # The server's log must hold nothing of our customers: the application logs its own errors.
        "log_min_messages": "log",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_line_prefix": "'%m [%p] '",
        "log_timezone": "'UTC'",
        "log_checkpoints": "off",
    }
    return values | (_CARELESS if throwaway else {})


_CARELESS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "128MB",
    "autovacuum_naptime": "60s",
}


def conf(*, throwaway: bool) -> str:
    """The text of forefront.conf for the machine we are on."""
    values = settings(memory=memory(), cores=os.cpu_count() or 1, shared=shared_memory(), throwaway=throwaway)
    head = "# Written at every start. Your own settings go into custom.conf beside it.\n"
    return head + "".join(f"{name} = {value}\n" for name, value in values.items())


def memory() -> int:
    """Bytes this process may use: the machine's, or less where a container says so."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        text = Path(limit).read_text().strip() if Path(limit).exists() else ""
        if text.isdigit():
            whole = min(whole, int(text))
    return whole


def shared_memory() -> int:
    try:
        free = os.statvfs("/dev/shm")  # noqa: S108 - measured, not written to
    except OSError:
        return 0
    return free.f_bavail * free.f_frsize


def _between(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))
