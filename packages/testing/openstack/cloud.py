#!/usr/bin/python3
"""cloud.py CACHE COMMAND...: runs COMMAND beside a real OpenStack, and exits with its code.

with-openstack.sh starts this as the first process of namespaces of its own: ports and processes are
nobody else's, and all of them end with this process, however it ends. The state is in memory.

CACHE is a folder for the state right after the services were set up, so that only the first run does that.
"""
import concurrent.futures
import functools
import json
import os
import pathlib
import secrets as random
import shutil
import signal
import socket
import subprocess
import sys
import time

import config
import seed

HERE = pathlib.Path(__file__).resolve().parent
# Any folder will do as a mount point: nobody else sees what is mounted here.
STATE = pathlib.Path("/media/openstack")
RUN_CALLABLE = (
    "import importlib, sys; module, name = sys.argv[1].split(':'); del sys.argv[:1];"
    "sys.exit(getattr(importlib.import_module(module), name)())"
)
SECRETS = ("admin", "service", "database", "queue", "credential", *seed.USERS)
DATABASES = ("keystone", "glance", "placement", "nova", "nova_api", "nova_cell0", "neutron", "cinder")

# The services of OpenStack in the order of their start: name, callable, configuration files. The last three
# log in to Keystone while they start, and give up when they cannot.
SERVICES = (
    ("glance-api", "glance.cmd.api:main", ["glance.conf"]),
    ("neutron-server", "neutron.cmd.eventlet.server:main", ["neutron.conf"]),
    ("nova-api", "nova.cmd.api_os_compute:main", ["nova.conf"]),
    ("nova-api-paged", "nova.cmd.api_os_compute:main", ["nova.conf", "nova-paged.conf"]),
    ("cinder-scheduler", "cinder.cmd.scheduler:main", ["cinder.conf"]),
    ("cinder-volume", "cinder.cmd.volume:main", ["cinder.conf"]),
    ("cinder-api", "cinder.cmd.api:main", ["cinder.conf"]),
    ("nova-conductor", "nova.cmd.conductor:main", ["nova.conf"]),
    ("nova-scheduler", "nova.cmd.scheduler:main", ["nova.conf"]),
    ("nova-compute", "nova.cmd.compute:main", ["nova.conf"]),
)

running = {}


def say(text):
    print(f"openstack: {text}", file=sys.stderr, flush=True)


def timed(what):
    """Says how long a step took."""

    def wrap(step):
        @functools.wraps(step)
        def run(*args):
            start = time.monotonic()
            value = step(*args)
            say(f"{what}: {time.monotonic() - start:.1f} s")
            return value

        return run

    return wrap


def environment():
    kept = {name: os.environ[name] for name in ("TERM", "TZ") if name in os.environ}
    return {
        **kept,
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C.UTF-8",
        "HOME": str(STATE),
        "TMPDIR": str(STATE / "tmp"),
        "PYTHONPATH": f"{HERE / 'plugins'}:{STATE / 'plugins'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OS_KEYSTONE_CONFIG_DIR": str(STATE / "etc"),
        "OS_PLACEMENT_CONFIG_DIR": str(STATE / "etc"),
    }


def log_file(name):
    return STATE / "log" / f"{name}.log"


def tail(name, lines=30):
    return "\n".join(log_file(name).read_text(errors="replace").splitlines()[-lines:])


def start(name, command, **more):
    with log_file(name).open("ab") as log:
        running[name] = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**environment(), **{key: str(value) for key, value in more.items()}},
            start_new_session=True,
        )


def stop(names):
    for number in (signal.SIGTERM, signal.SIGKILL):
        for name in names:
            if name in running and running[name].poll() is None:
                os.killpg(running[name].pid, number)
        end = time.monotonic() + 20
        while time.monotonic() < end and any(running[name].poll() is None for name in names if name in running):
            time.sleep(0.05)
    for name in names:
        running.pop(name, None)


def check_alive():
    for name, process in running.items():
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended with {process.returncode}:\n{tail(name)}")


def wait_for_port(service):
    def look():
        check_alive()
        with socket.create_connection(("127.0.0.1", config.PORTS[service]), timeout=1):
            return True

    end = time.monotonic() + 300
    while True:
        try:
            return look()
        except OSError:
            if time.monotonic() > end:
                raise RuntimeError(f"{service} does not listen on port {config.PORTS[service]}") from None
            time.sleep(0.1)


def call(name, *command):
    """Runs a tool to its end; what it says is of interest only when it fails."""
    with log_file(name).open("ab") as log:
        result = subprocess.run(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment()
        )
    if result.returncode != 0:
        raise RuntimeError(f"{name} failed with {result.returncode}:\n{tail(name)}")


def python(target, *args):
    """The command line of a tool whose script is in a package that is not installed, only its module is."""
    return ["/usr/bin/python3", "-W", "ignore", "-c", RUN_CALLABLE, target, *args]


def config_args(files):
    return [arg for file in files for arg in ("--config-file", STATE / "etc" / file)]


def start_database():
    folder = STATE / "database"
    if not folder.exists():
        install = ["--no-defaults", "--user=root", f"--datadir={folder}", "--skip-test-db"]
        call("database-install", "mariadb-install-db", *install, "--auth-root-authentication-method=normal")
    # Nothing here has to survive a power cut.
    fast = ["--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--skip-log-bin"]
    small = ["--innodb-log-file-size=32M", "--innodb-buffer-pool-size=256M", "--performance-schema=0"]
    where = [f"--datadir={folder}", f"--socket={STATE}/database.sock", f"--pid-file={STATE}/database.pid"]
    net = ["--bind-address=127.0.0.1", f"--port={config.PORTS['database']}", "--skip-name-resolve"]
    text = ["--character-set-server=utf8mb3", "--collation-server=utf8mb3_general_ci", "--max-connections=500"]
    start("database", ["mariadbd", "--no-defaults", "--user=root", *where, *net, *text, *fast, *small])


def start_queue(passwords):
    folder = STATE / "queue"
    folder.mkdir(exist_ok=True)
    (folder / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = 127.0.0.1:{config.PORTS['queue']}\n"
        f"default_user = openstack\ndefault_pass = {passwords['queue']}\n"
        "default_permissions.configure = .*\ndefault_permissions.read = .*\ndefault_permissions.write = .*\n"
        "log.file.level = warning\n"
    )
    (folder / "plugins").write_text("[].")
    start(
        "queue",
        # The one in /usr/sbin wants to change the user.
        ["/usr/lib/rabbitmq/bin/rabbitmq-server"],
        RABBITMQ_NODENAME="queue@localhost",
        RABBITMQ_CONFIG_FILE=folder / "rabbitmq.conf",
        RABBITMQ_CONF_ENV_FILE="/dev/null",
        RABBITMQ_ENABLED_PLUGINS_FILE=folder / "plugins",
        RABBITMQ_MNESIA_BASE=folder / "data",
        RABBITMQ_LOG_BASE=folder / "log",
        RABBITMQ_PID_FILE=folder / "pid",
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none",
    )


def start_wsgi(name, service, script, threads):
    options = ["--master", "--die-on-term", "--lazy-apps", "--enable-threads", "--need-app", "--disable-logging"]
    where = ["--http-socket", f"127.0.0.1:{config.PORTS[service]}", "--add-header", "Connection: close"]
    size = ["--processes", 1, "--threads", threads, "--buffer-size", 65535]
    start(name, ["uwsgi", "--plugin", "python3", *options, *size, *where, "--wsgi-file", script])


def start_services(services):
    for name, target, files in services:
        start(name, python(target, *config_args(files)))


def start_keystone():
    start_wsgi("keystone", "keystone", "/usr/bin/keystone-wsgi-public", 8)
    start_wsgi("placement", "placement", "/usr/bin/placement-api", 4)
    wait_for_port("queue")
    wait_for_port("keystone")


@timed("databases and keys made")
def make_schemas(passwords):
    statements = [f"CREATE DATABASE {name};" for name in DATABASES]
    user = "'openstack'@'127.0.0.1'"
    statements.append(f"CREATE USER {user} IDENTIFIED BY '{passwords['database']}'; GRANT ALL ON *.* TO {user};")
    client = ["mariadb", "--no-defaults", "-uroot", "-S", STATE / "database.sock", "-e"]
    call("database-setup", *client, "\n".join(statements))

    keystone = ["keystone-manage", *config_args(["keystone.conf"])]
    nova = python("nova.cmd.manage:main", *config_args(["nova.conf"]))
    owner = ["--keystone-user", "root", "--keystone-group", "root"]
    cell0 = config.Settings(STATE, passwords).database("nova_cell0")
    lanes = (
        (
            [*keystone, "db_sync"],
            [*keystone, "fernet_setup", *owner],
            [*keystone, "credential_setup", *owner],
            [
                *keystone,
                "bootstrap",
                *("--bootstrap-password", passwords["admin"]),
                *("--bootstrap-service-name", "keystone"),
                *("--bootstrap-region-id", config.REGION),
                *("--bootstrap-public-url", f"{config.url('keystone')}/v3"),
            ],
            python("neutron.db.migration.cli:main", *config_args(["neutron.conf"]))
            + ["upgrade", "heads"],
        ),
        (
            [*nova, "api_db", "sync"],
            [*nova, "cell_v2", "map_cell0", "--database_connection", cell0],
            [*nova, "db", "sync"],
            [*nova, "cell_v2", "create_cell", "--name", "cell1"],
            ["placement-manage", *config_args(["placement.conf"]), "db", "sync"],
            python("glance.cmd.manage:main", *config_args(["glance.conf"])) + ["db_sync"],
            python("cinder.cmd.manage:main", *config_args(["cinder.conf"])) + ["db", "sync"],
        ),
    )

    def walk(lane):
        for command in lane:
            call("schemas", *command)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(walk, lanes))


def find_host():
    """Nova schedules to a host only once it was told to look for it."""
    nova = python("nova.cmd.manage:main", *config_args(["nova.conf"]))

    def look():
        call("discover", *nova, "cell_v2", "discover_hosts", "--verbose")
        return "Creating host mapping" in log_file("discover").read_text()

    seed.wait_for("nova-compute", look)


@timed("services set up")
def set_up(passwords):
    """From nothing to a cloud with everything in it."""
    start_database()
    start_queue(passwords)
    wait_for_port("database")
    make_schemas(passwords)
    start_keystone()
    start_services(SERVICES[:-3])
    facts = seed.identity(passwords)
    start_services(SERVICES[-3:])
    for service in config.PORTS:
        wait_for_port(service)
    find_host()
    seed.resources(passwords, facts)
    return facts


@timed("services started")
def start_again(passwords):
    start_database()
    start_queue(passwords)
    wait_for_port("database")
    start_keystone()
    start_services(SERVICES)
    for service in config.PORTS:
        wait_for_port(service)


@timed("state kept for the next run")
def keep(template):
    """Stops everything, for a state that is whole, and stores it."""
    openstack = [name for name, _, _ in SERVICES] + ["keystone", "placement"]
    stop(openstack)
    stop(["queue", "database"])
    template.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = template.with_suffix(f".{os.getpid()}.{random.token_hex(4)}")
    exclude = ["--exclude=./queue", "--exclude=./log", "--exclude=./tmp"]
    with open(made, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
        subprocess.run(["tar", "-C", STATE, "--sparse", *exclude, "-cz", "."], stdout=out, check=True)
    # Only whole ones get the name; of two runs at once, the later one's stays.
    os.replace(made, template)


def prepare(template):
    STATE.mkdir()
    for folder in ("log", "tmp", "plugins/multicloud_plugins.egg-info"):
        (STATE / folder).mkdir(parents=True)
    if template.exists():
        subprocess.run(["tar", "-C", STATE, "-xzf", template], check=True)
    else:
        for folder in ("keys/fernet", "keys/credential", "locks", "nova", "neutron", "cinder/locks"):
            (STATE / folder).mkdir(parents=True, mode=0o700)
        for folder in ("images", "staging", "tasks"):
            (STATE / "glance" / folder).mkdir(parents=True)
        passwords = {name: random.token_hex(16) for name in SECRETS}
        (STATE / "secrets.json").write_text(json.dumps(passwords))
    info = STATE / "plugins" / "multicloud_plugins.egg-info"
    (info / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: multicloud-plugins\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[neutron.ml2.mechanism_drivers]\nunplugged = multicloud_plugins.network:UnpluggedDriver\n"
    )
    passwords = json.loads((STATE / "secrets.json").read_text())
    config.write_all(config.Settings(STATE, passwords))
    return passwords


def main():
    # The first process of a namespace hears only those signals that it has a handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    os.umask(0o077)
    template, command = pathlib.Path(sys.argv[1]), sys.argv[2:]
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700", "tmpfs", STATE.parent], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    kept = template.exists()
    passwords = prepare(template)
    facts_file = STATE / "facts.json"
    try:
        if not kept:
            facts_file.write_text(json.dumps(set_up(passwords)))
            keep(template)
        start_again(passwords)
        facts = json.loads(facts_file.read_text())
        timed("services ready")(seed.ready)(passwords, facts)
    except (RuntimeError, OSError) as error:
        say(str(error))
        check = [f"--- {file.name}\n{tail(file.stem, 15)}" for file in sorted((STATE / "log").glob("*.log"))]
        say("it did not start; the ends of the logs:\n" + "\n".join(check))
        print(f"\nFAILED openstack: {error}\n\n0 passed, 1 failed", flush=True)
        return 1
    clouds = STATE / "clouds.yaml"
    clouds.write_text(json.dumps(seed.clouds(passwords, facts)))
    start_time = time.monotonic()
    code = subprocess.run(command, env={**os.environ, "MULTICLOUD_OPENSTACK_CLOUDS": str(clouds)}).returncode
    say(f"command: {time.monotonic() - start_time:.1f} s")
    kept_logs = os.environ.get("MULTICLOUD_OPENSTACK_LOGS")
    if kept_logs:
        shutil.copytree(STATE / "log", kept_logs, dirs_exist_ok=True)
    return code


sys.exit(main())
