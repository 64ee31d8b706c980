"""ML2 mechanism driver: says yes to every port and connects nothing."""
from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api


class UnpluggedDriver(api.MechanismDriver):
    """Nova gives a build up when no driver binds its port, so one has to."""

    connectivity = portbindings.CONNECTIVITY_L2

    def initialize(self):
        """Has nothing to prepare."""

    def bind_port(self, context):
        segment = next(iter(context.segments_to_bind), None)
        if segment is not None:
            context.set_binding(
                segment[api.ID],
                portbindings.VIF_TYPE_BRIDGE,
                {portbindings.CAP_PORT_FILTER: True},
                constants.PORT_STATUS_ACTIVE,
            )
