;; Its start function writes so much that its image is mapped; at the end there is
;; something to look for.
(module
  (memory (export "memory") 8)
  (data (i32.const 64) "\00\10\00\00\00\10\00\00\00\20\00\00\10\00\00\00")
  (data (i32.const 0x50000) "the end!")
  (start $fill)
  (func $fill (memory.fill (i32.const 0x8000) (i32.const 7) (i32.const 0x48000)))
  (func (export "wherry_v1_mailbox") (result i32) i32.const 64)
  (func (export "wherry_v1_turn") (param i32) (result i32) i32.const 0))
