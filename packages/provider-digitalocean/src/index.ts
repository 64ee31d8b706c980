export { type DigitalOceanOptions, digitalocean } from "./digitalocean.js";
