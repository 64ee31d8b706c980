export type { ErrorCode } from "./errors/codes.js";
export { MulticloudError, ValidationError } from "./errors/multicloud-error.js";
