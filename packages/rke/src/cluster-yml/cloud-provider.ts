import { all } from "./shape.js";

const aws = {
  keys: {
    global: {
      keys: {
        ...all("string", "zone", "vpc", "subnet-id", "routetable-id", "role-arn", "elb-security-group"),
        ...all("string", "kubernetes-cluster-tag", "kubernetes-cluster-id"),
        ...all("boolean", "disable-security-group-ingress", "disable-strict-zone-check"),
      },
    },
    service_override: {
      map: {
        keys: all("string", "service", "region", "url", "signing-region", "signing-method", "signing-name"),
      },
    },
  },
} as const;

const azure = {
  keys: {
    ...all("string", "cloud", "tenantId", "subscriptionId", "resourceGroup", "location", "vnetName"),
    ...all("string", "vnetResourceGroup", "subnetName", "securityGroupName", "securityGroupResourceGroup"),
    ...all("string", "routeTableName", "primaryAvailabilitySetName", "vmType", "primaryScaleSetName"),
    ...all("string", "aadClientId", "aadClientCertPath", "userAssignedIdentityID", "loadBalancerSku", "tags"),
    ...all("secret", "aadClientSecret", "aadClientCertPassword"),
    ...all("boolean", "cloudProviderBackoff", "cloudProviderRateLimit", "useInstanceMetadata"),
    ...all("boolean", "useManagedIdentityExtension", "excludeMasterFromStandardLB"),
    ...all("integer", "cloudProviderBackoffRetries", "cloudProviderBackoffExponent"),
    ...all("integer", "cloudProviderBackoffDuration", "cloudProviderBackoffJitter"),
    ...all("integer", "cloudProviderRateLimitQPS", "cloudProviderRateLimitBucket"),
    ...all("integer", "maximumLoadBalancerRuleCount"),
  },
} as const;

const openstack = {
  keys: {
    global: {
      keys: {
        ...all("string", "auth-url", "username", "user-id", "tenant-id", "tenant-name", "trust-id"),
        ...all("string", "domain-id", "domain-name", "region", "ca-file"),
        password: "secret",
      },
    },
    load_balancer: {
      keys: {
        ...all("string", "lb-provider", "monitor-delay", "monitor-timeout"),
        ...all("boolean", "create-monitor", "manage-security-groups"),
        "monitor-max-retries": "integer",
      },
    },
    block_storage: { keys: { "ignore-volume-az": "boolean" } },
    route: { keys: {} },
    metadata: { keys: { "search-order": "string", "request-timeout": "integer" } },
  },
} as const;

const vsphere = {
  keys: {
    global: {
      keys: {
        ...all("string", "user", "server", "port", "datacenter", "datacenters", "datastore"),
        ...all("string", "working-dir", "vm-uuid", "vm-name"),
        password: "secret",
        "insecure-flag": "boolean",
        "soap-roundtrip-count": "integer",
      },
    },
    virtual_center: {
      map: {
        keys: {
          ...all("string", "user", "port", "datacenters"),
          password: "secret",
          "soap-roundtrip-count": "integer",
        },
      },
    },
    network: { keys: all("string", "public-network") },
    disk: { keys: all("string", "scsicontrollertype") },
    workspace: {
      keys: all("string", "server", "datacenter", "folder", "default-datastore", "resourcepool-path"),
    },
  },
} as const;

/** `cloud_provider`: Kubernetes' in-tree cloud providers. Source: RKE `types/rke_types.go`. */
export const cloudProvider = {
  keys: {
    name: "string",
    useInstanceMetadataHostname: "boolean",
    awsCloudProvider: aws,
    azureCloudProvider: azure,
    openstackCloudProvider: openstack,
    vsphereCloudProvider: vsphere,
    harvesterCloudProvider: { keys: { cloud_config: "secret" } },
    customCloudProvider: "secret",
  },
} as const;
