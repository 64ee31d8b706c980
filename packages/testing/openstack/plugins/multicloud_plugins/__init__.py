"""Plug-ins of Neutron and Cinder for a cloud that has no network hardware and no disks."""
