export { type CloudflareOptions, cloudflare } from "./cloudflare.js";
