"""Cinder driver: a volume is a sparse file, and attaching it exports nothing."""
import pathlib

from cinder import interface
from cinder.volume import configuration, driver
from oslo_config import cfg

OPTIONS = [cfg.StrOpt("volume_folder", help="Where the files are.")]
cfg.CONF.register_opts(OPTIONS, group=configuration.SHARED_CONF_GROUP)


@interface.volumedriver
class SparseFileDriver(driver.VolumeDriver):
    VERSION = "1.0"
    CI_WIKI_NAME = "none"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.configuration.append_config_values(OPTIONS)

    def _file(self, volume):
        return pathlib.Path(self.configuration.volume_folder, volume["name"])

    def do_setup(self, context):
        pathlib.Path(self.configuration.volume_folder).mkdir(parents=True, exist_ok=True)

    def check_for_setup_error(self):
        """Nothing outside of this file can be missing."""

    def get_volume_stats(self, refresh=False):
        return {
            "volume_backend_name": "file",
            "vendor_name": "multicloud",
            "driver_version": self.VERSION,
            "storage_protocol": "file",
            "total_capacity_gb": 100_000,
            "free_capacity_gb": 100_000,
            "reserved_percentage": 0,
        }

    def create_volume(self, volume):
        with self._file(volume).open("wb") as file:
            file.truncate(volume["size"] << 30)

    def delete_volume(self, volume):
        self._file(volume).unlink(missing_ok=True)

    def clone_image(self, context, volume, image_location, image_meta, image_service):
        self.copy_image_to_volume(context, volume, image_service, image_meta["id"])
        return {}, True

    def copy_image_to_volume(self, context, volume, image_service, image_id, disable_sparse=False):
        with self._file(volume).open("wb") as file:
            image_service.download(context, image_id, file)
            file.truncate(volume["size"] << 30)

    def initialize_connection(self, volume, connector):
        return {"driver_volume_type": "local", "data": {"device_path": str(self._file(volume))}}

    def terminate_connection(self, volume, connector, **kwargs):
        """There was none."""

    def ensure_export(self, context, volume):
        """There is none."""

    def create_export(self, context, volume, connector):
        """There is none."""

    def remove_export(self, context, volume):
        """There was none."""
