/** What `multicloud --help` prints. */
export const help = `multicloud: one Kubernetes cluster over several clouds

  multicloud plan                     what up would do; changes nothing
  multicloud up                       makes the world as the configuration wants it
  multicloud status                   every node as its cloud, the overlay and Kubernetes see it
  multicloud inventory [-f FORMAT]    the machines as json, ansible, ssh or mermaid
  multicloud kubeconfig [SERVER]      prints the kubeconfig; SERVER is a master's name, api, or an address
  multicloud entrypoint watch         keeps the record on a live entry until it is stopped
  multicloud drill SITE               loses a site on purpose and measures until the name works again
  multicloud destroy                  removes everything with the cluster's mark, and only that

  -c, --config PATH    the cluster's description (default: multicloud.config.ts in this folder)
      --json           events and results as JSON, one a line
  -v, --verbose        also what the plugins log
      --confirm NAME   the cluster's name, for drill and destroy without a terminal
      --merge FILE     kubeconfig puts a context named after the cluster into this file instead of printing
      --forget SITE    a site that left the configuration and is lost for good; up and destroy; may be repeated
  -h, --help           this
      --version        the version

Exit codes: 0 done, 1 failed, 2 something is wrong and nothing was changed, 130 stopped.
`;
