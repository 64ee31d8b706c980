/** Why a server or an agent ended right after its start, as its log says it. */
export class StartFailure extends Error {}
