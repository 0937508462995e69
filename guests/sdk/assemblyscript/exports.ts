// What a module exports to be a guest. The file that is compiled says
//
//   export * from "wherry/exports";
//
// because the compiler exports nothing else than what that file does.
export { wherry_v1_alloc } from "./buffers";
export { wherry_v1_mailbox, wherry_v1_turn } from "./guest";
