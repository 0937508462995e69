;; Has something at the end of a memory that is large enough to be mapped.
(module
  (memory (export "memory") 8)
  (data (i32.const 64) "\00\10\00\00\00\10\00\00\00\20\00\00\10\00\00\00")
  (data (i32.const 0x50000) "the end!")
  (func (export "wherry_v1_mailbox") (result i32) i32.const 64)
  (func (export "wherry_v1_turn") (param i32) (result i32) i32.const 0))
