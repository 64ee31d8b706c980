import { describe, expect, it } from "vitest";
import { fakeEngine, fakeOverlay, fakeProvider, goodConfig, pool } from "../../test/fake-plugins.js";
import { ValidationError } from "../errors/multicloud-error.js";
import { multicloud } from "../multicloud.js";
import type { MulticloudConfig } from "./config.js";
import { validate } from "./validate.js";

const problems = (config: unknown) => validate(config as MulticloudConfig).problems;
const paths = (config: unknown) => problems(config).map(({ path }) => path);
const site = (extra: object) => ({
  ...goodConfig(),
  sites: { ...goodConfig().sites, extra: { provider: fakeProvider(), workers: pool, ...extra } },
});

describe("validate", () => {
  it("finds nothing in three masters over three sites", () => {
    expect(validate(goodConfig())).toEqual({ problems: [], warnings: [] });
  });

  it("reports all problems at once, each with its path", () => {
    const config = {
      ...goodConfig(),
      name: "My Cluster",
      adons: [],
      sites: {
        Home: { provider: fakeProvider() },
        two: { provider: fakeProvider(), workrs: pool, masters: { ...pool, count: 1.5, image: "" } },
      },
    };
    expect(paths(config)).toEqual([
      "adons",
      "name",
      "sites.Home",
      "sites.Home",
      "sites.two.workrs",
      "sites.two.masters.count",
      "sites.two.masters.image",
    ]);
    expect(() => multicloud(config as unknown as MulticloudConfig)).toThrow(ValidationError);
  });

  it("names the nearest key for an unknown one", () => {
    expect(problems(site({ wokers: pool }))).toMatchObject([
      { path: "sites.extra.wokers", suggestion: "workers" },
    ]);
  });

  it("refuses a cluster without masters and a site without machines", () => {
    const workersOnly = { ...goodConfig(), sites: { one: { provider: fakeProvider(), workers: pool } } };
    expect(problems(workersOnly)).toMatchObject([
      { path: "sites", message: expect.stringContaining("no site has masters") },
    ]);
    expect(problems(site({ workers: undefined }))).toMatchObject([
      { path: "sites.extra", message: "a site without machines" },
    ]);
    // A site is emptied before it is taken out: without it, nobody could delete its machines.
    const emptied = validate(site({ workers: { ...pool, count: 0 } }));
    expect(emptied.problems).toEqual([]);
    expect(emptied.warnings).toMatchObject([{ path: "sites.extra" }]);
  });

  it("warns of an even number of etcd members, and of a quorum that goes down with one site", () => {
    const even = {
      ...goodConfig(),
      sites: {
        one: { provider: fakeProvider(), masters: pool },
        two: { provider: fakeProvider(), masters: pool },
      },
    };
    const messages = validate(even).warnings.map(({ message }) => message);
    expect(messages[0]).toContain("2 masters tolerate the loss of 0, as many as 1 would");
    expect(messages[1]).toContain("less than etcd's quorum of 2");
    const lopsided = {
      ...goodConfig(),
      sites: {
        one: { provider: fakeProvider(), masters: { ...pool, count: 2 } },
        two: { provider: fakeProvider(), masters: pool },
      },
    };
    expect(validate(lopsided).warnings).toMatchObject([{ path: "sites.one.masters" }]);
  });

  it("refuses a site's range that overlaps pods or services", () => {
    expect(problems(site({ cidr: "10.42.128.0/24" }))).toMatchObject([
      { path: "sites.extra.cidr", message: expect.stringContaining("10.42.0.0/16") },
    ]);
    expect(problems(site({ cidr: "10.44.0.0/16" }))).toEqual([]);
    expect(
      paths({
        ...goodConfig(),
        engine: fakeEngine({ cidrs: { pods: "10.42.0.0/15", services: "10.43.0.0/16" } }),
      }),
    ).toEqual(["engine.cidrs.services"]);
  });

  it("refuses a plugin of an unknown contract version by name, with what to do", () => {
    const newer = { ...fakeProvider(), name: "futurecloud", specVersion: "v2" };
    expect(problems(site({ provider: newer }))).toMatchObject([
      {
        path: "sites.extra.provider.specVersion",
        given: '"v2"',
        hint: expect.stringContaining("upgrade @multicloud/core"),
      },
    ]);
    const { specVersion: _, ...older } = fakeOverlay();
    expect(problems({ ...goodConfig(), overlay: older })).toMatchObject([
      { hint: expect.stringContaining("upgrade the package") },
    ]);
  });

  it("refuses a plugin that lacks a member, and a factory that was not called", () => {
    const { list: _, ...broken } = fakeProvider();
    expect(problems(site({ provider: broken }))).toMatchObject([
      { path: "sites.extra.provider.list", message: "the provider plugin fake lacks list" },
    ]);
    expect(problems(site({ provider: fakeProvider }))).toMatchObject([
      { hint: expect.stringContaining("call the factory") },
    ]);
  });

  it("wants the jump host's key, and says how to see it", () => {
    expect(problems(site({ jump: { host: "198.51.100.1", user: "ops" } }))).toMatchObject([
      { path: "sites.extra.jump.hostKey", hint: expect.stringContaining("ssh-keyscan") },
    ]);
  });

  it("refuses names whose nodes would be no host names", () => {
    const long = "a".repeat(40);
    expect(
      paths({ ...goodConfig(), name: long, sites: { [long]: { provider: fakeProvider(), masters: pool } } }),
    ).toContain(`sites.${long}`);
  });
});
