package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/seed-c6589352/wherry/abi"
)

// rustModule returns the module for Rust. It needs nothing but core.
func rustModule() []byte {
	var b bytes.Buffer
	b.WriteString(banner)
	b.WriteString("//! The constants and layouts of version 1 of the Wherry guest ABI; SPEC.md explains them.\n")
	rustConsts(&b, "Sizes and limits.", "u32", "", abi.Limits())
	rustConsts(&b, "Kinds of records. A number has two names where event and command differ.", "u16", "KIND_", abi.Kinds())
	rustConsts(&b, "Flags of records.", "u16", "FLAG_", abi.FlagBits())
	rustConsts(&b, "Statuses: the code of a fault.", "u32", "STATUS_", abi.Statuses())
	rustConsts(&b, "Levels of the hostcall log.", "u32", "LOG_", abi.LogLevels())
	rustConsts(&b, "Clocks of the hostcall now.", "u32", "CLOCK_", abi.Clocks())
	rustConsts(&b, "Codes of a stop event.", "u32", "STOP_", abi.StopReasons())
	b.WriteString("\n// Names of pseudo-fields; one that ends with a dot is a prefix.\n")
	for _, f := range abi.PseudoFields() {
		fmt.Fprintf(&b, "/// %s\npub const FIELD_%s: &str = %q;\n", f.Doc, strings.ToUpper(f.Name), f.Text)
	}
	rustCodes(&b)
	rustStruct(&b, "Record", abi.RecordSize, abi.RecordLayout())
	rustStruct(&b, "Mailbox", abi.MailboxSize, abi.MailboxLayout())
	return b.Bytes()
}

// rustConsts writes rows as constants of one type under a comment.
func rustConsts(b *bytes.Buffer, comment, typ, prefix string, rows []abi.Name) {
	fmt.Fprintf(b, "\n// %s\n", comment)
	for _, row := range rows {
		fmt.Fprintf(b, "/// %s\npub const %s%s: %s = %d;\n", row.Doc, prefix, strings.ToUpper(row.Name), typ, row.Value)
	}
}

// rustStruct writes a layout as a structure of size bytes, and the assertion
// that it has that size.
func rustStruct(b *bytes.Buffer, name string, size uint32, slots []abi.Slot) {
	b.WriteString("\n#[repr(C)]\n#[derive(Clone, Copy, Debug)]\n")
	fmt.Fprintf(b, "pub struct %s {\n", name)
	var end uint32
	for _, s := range slots {
		fmt.Fprintf(b, "    /// %s\n    pub %s: u%d,\n", s.Doc, s.Name, 8*s.Bytes)
		end = s.Offset + s.Bytes
	}
	if end < size {
		fmt.Fprintf(b, "    /// zero\n    pub reserved: [u8; %d],\n", size-end)
	}
	b.WriteString("}\n\n")
	fmt.Fprintf(b, "const _: () = assert!(core::mem::size_of::<%s>() == %d);\n", name, size)
}

// rustCodes writes close codes and HTTP statuses as modules, and the phrases of
// the latter as a function.
func rustCodes(b *bytes.Buffer) {
	b.WriteString("\n/// Close codes, as IANA's registry names them.\npub mod close {\n")
	for _, row := range abi.CloseCodes() {
		fmt.Fprintf(b, "    /// %s\n    pub const %s: u16 = %d;\n", row.Doc, strings.ToUpper(row.Name), row.Value)
	}
	b.WriteString("}\n\n/// HTTP statuses, as IANA's registry names them.\npub mod status {\n")
	for _, s := range abi.HTTPStatuses() {
		fmt.Fprintf(b, "    /// %s\n    pub const %s: u16 = %d;\n", s.Phrase, strings.ToUpper(s.Name), s.Value)
	}
	b.WriteString("}\n\n/// Returns the standard phrase of an HTTP status, \"\" if it has none.\n")
	b.WriteString("pub fn phrase(status: u16) -> &'static str {\n    match status {\n")
	for _, s := range abi.HTTPStatuses() {
		fmt.Fprintf(b, "        %d => %q,\n", s.Value, s.Phrase)
	}
	b.WriteString("        _ => \"\",\n    }\n}\n")
}
