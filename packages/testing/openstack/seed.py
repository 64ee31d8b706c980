"""What has to be in the cloud before a test: catalog, projects, users, flavors, images, networks, quotas."""
import json
import time
import urllib.error
import urllib.request

from config import PAGED_REGION, REGION, url

# name, password and project of each user. The tests know them from the environment's clouds.yaml.
USERS = ("alice", "bob", "carol")
PROJECTS = {"alice": "homelab", "bob": "attic", "carol": "cellar"}
NETWORK = "homenet"
EXTERNAL = "internet"


class Api:
    """Calls a service with a token, and says what it answered when that is no success."""

    def __init__(self, base, token):
        self.base = base
        self.token = token

    def __call__(self, method, path, body=None, data=None):
        headers = {"x-auth-token": self.token, "content-type": "application/json"}
        if data is not None:
            headers["content-type"] = "application/octet-stream"
        elif body is not None:
            data = json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.code} {error.read().decode()[:500]}") from error
        return json.loads(text) if text else None


def password_auth(user, password, project):
    domain = {"name": "Default"}
    return {
        "identity": {
            "methods": ["password"],
            "password": {"user": {"name": user, "domain": domain, "password": password}},
        },
        "scope": {"project": {"name": project, "domain": domain}},
    }


def log_in(user, password, project):
    body = json.dumps({"auth": password_auth(user, password, project)}).encode()
    request = urllib.request.Request(
        f"{url('keystone')}/v3/auth/tokens", body, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return answer.headers["x-subject-token"]


def wait_for(what, look, seconds=300):
    end = time.monotonic() + seconds
    while True:
        try:
            if look():
                return
            seen = "not yet"
        except (OSError, RuntimeError) as error:
            seen = error
        if time.monotonic() > end:
            raise RuntimeError(f"{what} did not come up within {seconds} s: {seen}")
        time.sleep(0.2)


def admin(secrets):
    return log_in("admin", secrets["admin"], "admin")


def identity(secrets):
    """The catalog, the projects and the users. Before this no other service gets past its own login."""
    keystone = Api(f"{url('keystone')}/v3", admin(secrets))
    catalog = {
        "compute": ("nova", {REGION: f"{url('nova')}/v2.1", PAGED_REGION: f"{url('nova-paged')}/v2.1"}),
        "network": ("neutron", url("neutron")),
        "image": ("glance", url("glance")),
        "placement": ("placement", url("placement")),
        "volumev3": ("cinderv3", f"{url('cinder')}/v3/%(project_id)s"),
    }
    keystone("POST", "/regions", {"region": {"id": PAGED_REGION}})
    for kind, (name, where) in catalog.items():
        service = keystone("POST", "/services", {"service": {"type": kind, "name": name}})["service"]
        for region in (REGION, PAGED_REGION):
            endpoint = {
                "service_id": service["id"],
                "interface": "public",
                "url": where[region] if isinstance(where, dict) else where,
                "region_id": region,
            }
            keystone("POST", "/endpoints", {"endpoint": endpoint})

    roles = {role["name"]: role["id"] for role in keystone("GET", "/roles")["roles"]}
    for name in {"service", "member"} - roles.keys():
        roles[name] = keystone("POST", "/roles", {"role": {"name": name}})["role"]["id"]

    def add_user(name, project, granted):
        made = keystone("POST", "/projects", {"project": {"name": project, "domain_id": "default"}})["project"]
        user = {"name": name, "password": secrets[name], "domain_id": "default"}
        user = keystone("POST", "/users", {"user": user})["user"]
        for role in granted:
            keystone("PUT", f"/projects/{made['id']}/users/{user['id']}/roles/{roles[role]}")
        return made["id"], user["id"]

    add_user("service", "service", ["admin", "service"])
    ids = {name: add_user(name, PROJECTS[name], ["member"]) for name in USERS}
    alice = Api(f"{url('keystone')}/v3", log_in("alice", secrets["alice"], PROJECTS["alice"]))
    credential = alice(
        "POST",
        f"/users/{ids['alice'][1]}/application_credentials",
        {"application_credential": {"name": "sdk", "secret": secrets["credential"]}},
    )["application_credential"]
    return {"projects": {name: ids[name][0] for name in USERS}, "credential": credential["id"]}


def resources(secrets, facts):
    """What machines are made of, and a project that may have little of it."""
    token = admin(secrets)
    nova, glance = Api(f"{url('nova')}/v2.1", token), Api(url("glance"), token)
    neutron = Api(f"{url('neutron')}/v2.0", token)
    own = facts["own_project"] = Api(f"{url('keystone')}/v3", token)("GET", "/projects?name=admin")["projects"][0]["id"]
    cinder = Api(f"{url('cinder')}/v3/{own}", token)

    for name, vcpus, ram, disk in (
        ("g1.small", 1, 2048, 10),
        ("g1.medium", 2, 4096, 20),
        ("g1.large", 4, 8192, 40),
        # No host is this large.
        ("g1.huge", 4096, 8192, 40),
    ):
        nova("POST", "/flavors", {"flavor": {"name": name, "vcpus": vcpus, "ram": ram, "disk": disk}})

    for name, family in (("debian-11", "debian"), ("debian-12", "debian"), ("ubuntu-24.04", "ubuntu")):
        image = {"name": name, "disk_format": "raw", "container_format": "bare", "min_disk": 1}
        image = glance("POST", "/v2/images", {**image, "visibility": "public", "os_distro": family})
        glance("PUT", f"/v2/images/{image['id']}/file", data=name.encode().ljust(1 << 16, b"\0"))
        # Glance's times are in seconds: which one is the newest is to be seen.
        time.sleep(1.1)

    def add_network(name, cidr, **more):
        network = neutron("POST", "/networks", {"network": {"name": name, **more}})["network"]
        # Without DHCP: there is no agent that a port could wait for.
        subnet = {
            "network_id": network["id"],
            "project_id": network["project_id"],
            "ip_version": 4,
            "cidr": cidr,
            "enable_dhcp": False,
        }
        subnet = neutron("POST", "/subnets", {"subnet": subnet})["subnet"]
        return network["id"], subnet["id"]

    external, _ = add_network(
        EXTERNAL,
        "203.0.113.0/24",
        **{
            "router:external": True,
            "provider:network_type": "flat",
            "provider:physical_network": "outside",
        },
    )
    _, subnet = add_network(NETWORK, "10.20.0.0/16", shared=True)
    # In a shared network only its owner may ask for an address.
    add_network("storage", "10.30.0.0/16", project_id=facts["projects"]["alice"])
    router = {"name": "door", "external_gateway_info": {"network_id": external}}
    router = neutron("POST", "/routers", {"router": router})["router"]
    neutron("PUT", f"/routers/{router['id']}/add_router_interface", {"subnet_id": subnet})

    # No backend has what the last one asks for: its volumes fail after they were accepted. Nova finds only types on
    # Cinder's first page, which has the newest; made in one second they would stand in the order of their random ids.
    for name, specs in (("standard", {}), ("fast", {}), ("broken", {"volume_backend_name": "nowhere"})):
        volume_type = {"name": name, "os-volume-type-access:is_public": True, "extra_specs": specs}
        cinder("POST", "/types", {"volume_type": volume_type})
        time.sleep(1.1)

    limited = facts["projects"]["carol"]
    nova("PUT", f"/os-quota-sets/{limited}", {"quota_set": {"instances": 2, "cores": 4, "ram": 8192}})
    cinder("PUT", f"/os-quota-sets/{limited}", {"quota_set": {"volumes": 1, "gigabytes": 20}})
    neutron("PUT", f"/quotas/{limited}", {"quota": {"floatingip": 1, "security_group": 2}})
    for name in ("alice", "bob"):
        project = facts["projects"][name]
        cinder("PUT", f"/os-quota-sets/{project}", {"quota_set": {"volumes": 100, "gigabytes": 5000}})


def ready(secrets, facts):
    """Waits until a server could be made."""
    token = admin(secrets)
    nova, glance = Api(f"{url('nova')}/v2.1", token), Api(url("glance"), token)
    cinder = Api(f"{url('cinder')}/v3/{facts['own_project']}", token)
    placement = Api(url("placement"), token)
    paged = Api(f"{url('nova-paged')}/v2.1", token)
    neutron = Api(f"{url('neutron')}/v2.0", token)

    def up(services, binaries):
        alive = {service["binary"] for service in services["services"] if service["state"] == "up"}
        return binaries <= alive

    wait_for("nova", lambda: up(nova("GET", "/os-services"), {"nova-compute", "nova-conductor", "nova-scheduler"}))
    wait_for("placement", lambda: placement("GET", "/resource_providers")["resource_providers"])
    wait_for("cinder", lambda: up(cinder("GET", "/os-services"), {"cinder-volume", "cinder-scheduler"}))
    # A scheduler that came up too late for the backend's first report makes every volume fail until the next one.
    wait_for("cinder's backend", lambda: cinder("GET", "/scheduler-stats/get_pools")["pools"])
    wait_for("glance", lambda: glance("GET", "/v2/images")["images"])
    wait_for("neutron", lambda: neutron("GET", "/networks")["networks"])
    wait_for("nova's second region", lambda: paged("GET", "/flavors")["flavors"])


def clouds(secrets, facts):
    """clouds.yaml (JSON is YAML)."""

    def entry(user, region=REGION):
        return {
            "auth": {
                "auth_url": f"{url('keystone')}/v3",
                "username": user,
                "password": secrets[user],
                "project_name": PROJECTS[user],
                "user_domain_name": "Default",
                "project_domain_name": "Default",
            },
            "region_name": region,
        }

    credential = {
        "auth_type": "v3applicationcredential",
        "auth": {
            "auth_url": f"{url('keystone')}/v3",
            "application_credential_id": facts["credential"],
            "application_credential_secret": secrets["credential"],
        },
        "region_name": REGION,
    }
    return {
        "clouds": {
            "home": credential,
            "home-password": entry("alice"),
            "home-paged": entry("alice", PAGED_REGION),
            "attic": entry("bob"),
            "cellar": entry("carol"),
        }
    }
