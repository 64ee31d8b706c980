"""The configuration of all services, written from one table.

Facts are from the configuration references of the release 2022.2 ("Zed"): which options a service needs to
run by itself on loopback, without agents, a dashboard or a cache server.
"""
import configparser
import pathlib

REGION = "RegionOne"
# A second region of the same services, whose Nova puts two things on a page.
PAGED_REGION = "PagesOfTwo"
PAGE_SIZE = 2
HOST = "emulated-host"
# Seconds until a service that says nothing counts as dead: sixty machines at once keep a small computer busy.
PATIENCE = 600

PORTS = {
    "database": 3306,
    "queue": 5672,
    "keystone": 5000,
    "placement": 8778,
    "glance": 9292,
    "nova": 8774,
    "nova-paged": 8784,
    "neutron": 9696,
    "cinder": 8776,
}


def url(service):
    return f"http://127.0.0.1:{PORTS[service]}"


class Settings:
    """What the files have in common: the folder of the state, and the passwords."""

    def __init__(self, state: pathlib.Path, secrets: dict):
        self.state = state
        self.secrets = secrets

    def file(self, service, name=None):
        return self.state / "etc" / (name or f"{service}.conf")

    def database(self, name):
        password = self.secrets["database"]
        return f"mysql+pymysql://openstack:{password}@127.0.0.1:{PORTS['database']}/{name}?charset=utf8"

    @property
    def queue(self):
        return f"rabbit://openstack:{self.secrets['queue']}@127.0.0.1:{PORTS['queue']}/"

    def login(self):
        """As a service at another service."""
        return {
            "auth_type": "password",
            "auth_url": f"{url('keystone')}/v3",
            "username": "service",
            "password": self.secrets["service"],
            "user_domain_name": "Default",
            "project_name": "service",
            "project_domain_name": "Default",
            "region_name": REGION,
            "valid_interfaces": "public",
        }

    def middleware(self):
        """How callers' tokens are judged. A token that was revoked is refused five seconds later."""
        return {
            **self.login(),
            "www_authenticate_uri": f"{url('keystone')}/v3",
            "interface": "public",
            "token_cache_time": 5,
            "service_token_roles": "service",
            "service_token_roles_required": "true",
        }


def connection(settings, name):
    return {"connection": settings.database(name), "max_pool_size": 10, "max_overflow": 20}


def shared(settings):
    """Sections that all services of the message queue have."""
    return {
        "oslo_concurrency": {"lock_path": settings.state / "locks"},
        "oslo_messaging_notifications": {"driver": "noop"},
        "keystone_authtoken": settings.middleware(),
    }


def keystone(settings):
    return {
        "DEFAULT": {"use_stderr": "true", "public_endpoint": url("keystone")},
        "database": connection(settings, "keystone"),
        "token": {"provider": "fernet", "allow_expired_window": 0},
        "fernet_tokens": {"key_repository": settings.state / "keys" / "fernet"},
        "credential": {"key_repository": settings.state / "keys" / "credential"},
        "identity": {"password_hash_rounds": 4},
        # Without a cache, judging one token takes hundreds of queries. One process, so its memory will do.
        "cache": {"enabled": "true", "backend": "dogpile.cache.memory"},
    }


def placement(settings):
    return {
        "DEFAULT": {"use_stderr": "true"},
        "placement_database": connection(settings, "placement"),
        "api": {"auth_strategy": "keystone"},
        **shared(settings),
    }


def glance(settings):
    folder = settings.state / "glance"
    return {
        "DEFAULT": {
            "use_stderr": "true",
            "bind_host": "127.0.0.1",
            "bind_port": PORTS["glance"],
            "workers": 0,
            "enabled_backends": "files:file",
            "api_limit_max": PAGE_SIZE,
        },
        "database": connection(settings, "glance"),
        "paste_deploy": {"flavor": "keystone", "config_file": settings.file("glance", "glance-paste.ini")},
        "glance_store": {"default_backend": "files"},
        "files": {"filesystem_store_datadir": folder / "images"},
        "os_glance_staging_store": {"filesystem_store_datadir": folder / "staging"},
        "os_glance_tasks_store": {"filesystem_store_datadir": folder / "tasks"},
        **shared(settings),
    }


def nova(settings):
    login = settings.login()
    return {
        "DEFAULT": {
            "use_stderr": "true",
            "host": HOST,
            "my_ip": "127.0.0.1",
            "state_path": settings.state / "nova",
            "transport_url": settings.queue,
            "compute_driver": "fake.FakeDriver",
            "rpc_response_timeout": PATIENCE,
            "service_down_time": PATIENCE,
            "osapi_compute_listen": "127.0.0.1",
            "osapi_compute_listen_port": PORTS["nova"],
            "osapi_compute_workers": 1,
        },
        "database": connection(settings, "nova"),
        "api_database": connection(settings, "nova_api"),
        "service_user": {**login, "send_service_user_token": "true"},
        "placement": login,
        "neutron": login,
        "cinder": login,
        "glance": login,
        "wsgi": {"api_paste_config": settings.file("nova", "nova-paste.ini")},
        "conductor": {"workers": 1},
        "scheduler": {"workers": 1},
        # Builds that fail on purpose must not take the only host away.
        "compute": {"consecutive_build_service_disable_threshold": 0},
        "quota": {"instances": 100, "cores": -1, "ram": -1},
        "vnc": {"enabled": "false"},
        **shared(settings),
    }


def nova_paged(settings):
    """Goes on top of Nova's own file."""
    return {
        "DEFAULT": {"osapi_compute_listen_port": PORTS["nova-paged"]},
        "api": {"max_limit": PAGE_SIZE},
    }


def neutron(settings):
    login = settings.login()
    return {
        "DEFAULT": {
            "use_stderr": "true",
            "host": HOST,
            "state_path": settings.state / "neutron",
            "transport_url": settings.queue,
            "bind_host": "127.0.0.1",
            "bind_port": PORTS["neutron"],
            "core_plugin": "ml2",
            "service_plugins": "router",
            "auth_strategy": "keystone",
            "api_paste_config": settings.file("neutron", "neutron-paste.ini"),
            "api_workers": 0,
            "rpc_workers": 0,
            "rpc_state_report_workers": 0,
            "rpc_response_timeout": PATIENCE,
            "dhcp_agent_notification": "false",
            "pagination_max_limit": PAGE_SIZE,
        },
        "database": connection(settings, "neutron"),
        "nova": login,
        "placement": login,
        "quotas": {"quota_security_group": 20, "quota_floatingip": 5},
        "ml2": {
            "type_drivers": "local,flat",
            "tenant_network_types": "local",
            "mechanism_drivers": "unplugged",
            "extension_drivers": "port_security",
        },
        "ml2_type_flat": {"flat_networks": "*"},
        "securitygroup": {"enable_security_group": "true"},
        **shared(settings),
    }


def cinder(settings):
    login = settings.login()
    return {
        "DEFAULT": {
            "use_stderr": "true",
            "host": HOST,
            "my_ip": "127.0.0.1",
            "state_path": settings.state / "cinder",
            "transport_url": settings.queue,
            "rpc_response_timeout": PATIENCE,
            "service_down_time": PATIENCE,
            "osapi_volume_listen": "127.0.0.1",
            "osapi_volume_listen_port": PORTS["cinder"],
            "osapi_volume_workers": 1,
            "osapi_max_limit": PAGE_SIZE,
            "api_paste_config": settings.file("cinder", "cinder-paste.ini"),
            "resource_query_filters_file": settings.file("cinder", "cinder-filters.json"),
            "auth_strategy": "keystone",
            "glance_api_servers": url("glance"),
            "image_conversion_dir": settings.state / "cinder",
            "default_volume_type": "standard",
            "enabled_backends": "file",
            # Seconds from one report of the backend to the next.
            "backend_stats_polling_interval": 5,
        },
        "database": connection(settings, "cinder"),
        "nova": login,
        "service_user": {**login, "send_service_user_token": "true"},
        "coordination": {"backend_url": f"file://{settings.state}/cinder/locks"},
        "file": {
            "volume_driver": "multicloud_plugins.volumes.SparseFileDriver",
            "volume_backend_name": "file",
            "volume_folder": settings.state / "cinder" / "volumes",
        },
        **shared(settings),
    }


AUTHTOKEN = {"filter:authtoken": "keystonemiddleware.auth_token:filter_factory"}

# Per service: the root application, then pipelines, applications and filters with their factories.
PASTE = {
    "glance": {
        "pipeline:glance-api-keystone": "versions_filter authtoken context root",
        "composite:root": {"paste.composite_factory": "glance.api:root_app_factory", "/": "versions", "/v2": "v2"},
        "app:versions": "glance.api.versions:create_resource",
        "app:v2": "glance.api.v2.router:API.factory",
        "filter:versions_filter": "glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory",
        "filter:context": "glance.api.middleware.context:ContextMiddleware.factory",
        # As Debian and upstream ship it: Glance itself refuses, in HTML.
        "filter:authtoken": {
            "paste.filter_factory": "keystonemiddleware.auth_token:filter_factory",
            "delay_auth_decision": "true",
        },
    },
    "nova": {
        "composite:osapi_compute": {
            "use": "call:nova.api.openstack.urlmap:urlmap_factory",
            "/": "versions",
            "/v2.1": "version",
            "/v2.1/+": "api",
        },
        "pipeline:api": "request_id faults sizes authtoken context router",
        "pipeline:versions": "faults versions_app",
        "pipeline:version": "request_id faults version_app",
        "app:router": "nova.api.openstack.compute:APIRouterV21.factory",
        "app:versions_app": "nova.api.openstack.compute.versions:Versions.factory",
        "app:version_app": "nova.api.openstack.compute.versions:VersionsV2.factory",
        "filter:request_id": "nova.api.compute_req_id:ComputeReqIdMiddleware.factory",
        "filter:faults": "nova.api.openstack:FaultWrapper.factory",
        "filter:sizes": "oslo_middleware:RequestBodySizeLimiter.factory",
        "filter:context": "nova.api.auth:NovaKeystoneContext.factory",
        **AUTHTOKEN,
    },
    "neutron": {
        "composite:neutron": {"use": "egg:Paste#urlmap", "/": "versions", "/v2.0": "api"},
        "pipeline:api": "request_id errors authtoken context extensions router",
        "app:versions": "neutron.pecan_wsgi.app:versions_factory",
        "app:router": "neutron.api.v2.router:APIRouter.factory",
        "filter:request_id": "oslo_middleware:RequestId.factory",
        "filter:errors": "oslo_middleware:CatchErrors.factory",
        "filter:context": "neutron.auth:NeutronKeystoneContext.factory",
        "filter:extensions": "neutron.api.extensions:plugin_aware_extension_middleware_factory",
        **AUTHTOKEN,
    },
    "cinder": {
        "composite:osapi_volume": {"use": "call:cinder.api:root_app_factory", "/": "versions", "/v3": "api"},
        "composite:api": {
            "use": "call:cinder.api.middleware.auth:pipeline_factory",
            "keystone": "request_id faults sizes authtoken context router",
        },
        "pipeline:versions": "request_id faults versions_app",
        "app:router": "cinder.api.v3.router:APIRouter.factory",
        "app:versions_app": "cinder.api.versions:Versions.factory",
        "filter:request_id": "cinder.api.middleware.request_id:RequestId.factory",
        "filter:faults": "cinder.api.middleware.fault:FaultWrapper.factory",
        "filter:sizes": "oslo_middleware.sizelimit:RequestBodySizeLimiter.factory",
        "filter:context": "cinder.api.middleware.auth:CinderKeystoneContext.factory",
        **AUTHTOKEN,
    },
}


def paste(service):
    """The short form of a section is the factory, or the steps of a pipeline."""
    kinds = {"app": "paste.app_factory", "filter": "paste.filter_factory", "pipeline": "pipeline"}
    return {
        name: value if isinstance(value, dict) else {kinds[name.split(":")[0]]: value}
        for name, value in PASTE[service].items()
    }


def write(path, sections):
    # Without a default section of its own, DEFAULT is a section like the others; `%` stays as it is.
    file = configparser.RawConfigParser(default_section="", delimiters=("=",))
    file.optionxform = str
    file.read_dict({name: {key: str(value) for key, value in body.items()} for name, body in sections.items()})
    with path.open("w") as out:
        file.write(out)


def write_all(settings):
    (settings.state / "etc").mkdir(parents=True, exist_ok=True)
    for service in (keystone, placement, glance, nova, neutron, cinder):
        write(settings.file(service.__name__), service(settings))
    write(settings.file("nova-paged"), nova_paged(settings))
    for service in PASTE:
        write(settings.file(service, f"{service}-paste.ini"), paste(service))
    settings.file("cinder", "cinder-filters.json").write_text("{}")
