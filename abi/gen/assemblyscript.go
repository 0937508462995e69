package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/seed-c6589352/wherry/abi"
)

// assemblyScriptModule returns the module for AssemblyScript, where a layout is
// its offsets: records are read with load<T>(address, OFFSET).
func assemblyScriptModule() []byte {
	var b bytes.Buffer
	b.WriteString(banner)
	b.WriteString("// The constants and layouts of version 1 of the Wherry guest ABI; SPEC.md explains them.\n")
	asConsts(&b, "Sizes and limits.", "u32", "", abi.Limits())
	asConsts(&b, "Kinds of records. A number has two names where event and command differ.", "u16", "KIND_", abi.Kinds())
	asConsts(&b, "Flags of records.", "u16", "FLAG_", abi.FlagBits())
	asConsts(&b, "Statuses: the code of a fault.", "u32", "STATUS_", abi.Statuses())
	asConsts(&b, "Levels of the hostcall log.", "i32", "LOG_", abi.LogLevels())
	asConsts(&b, "Clocks of the hostcall now.", "i32", "CLOCK_", abi.Clocks())
	asConsts(&b, "Codes of a stop event.", "u32", "STOP_", abi.StopReasons())
	asConsts(&b, "Close codes, as IANA's registry names them.", "u32", "CLOSE_", abi.CloseCodes())
	asStatuses(&b)
	b.WriteString("\n// Names of pseudo-fields; one that ends with a dot is a prefix.\n")
	for _, f := range abi.PseudoFields() {
		fmt.Fprintf(&b, "/** %s */\nexport const FIELD_%s: string = %q;\n", f.Doc, strings.ToUpper(f.Name), f.Text)
	}
	asOffsets(&b, "record", abi.RecordLayout())
	asOffsets(&b, "mailbox", abi.MailboxLayout())
	asOffsets(&b, "field", abi.FieldLayout())
	return b.Bytes()
}

// asConsts writes rows as exported constants of one type under a comment.
func asConsts(b *bytes.Buffer, comment, typ, prefix string, rows []abi.Name) {
	fmt.Fprintf(b, "\n// %s\n", comment)
	for _, row := range rows {
		fmt.Fprintf(b, "/** %s */\nexport const %s%s: %s = %d;\n", row.Doc, prefix, strings.ToUpper(row.Name), typ, row.Value)
	}
}

// asOffsets writes the offsets of a layout as exported constants.
func asOffsets(b *bytes.Buffer, name string, slots []abi.Slot) {
	fmt.Fprintf(b, "\n// Offsets in a %s.\n", name)
	for _, s := range slots {
		fmt.Fprintf(b, "/** u%d: %s */\nexport const %s_%s_OFFSET: usize = %d;\n",
			8*s.Bytes, s.Doc, strings.ToUpper(name), strings.ToUpper(s.Name), s.Offset)
	}
}

// asStatuses writes HTTP statuses as constants, and their phrases as a function:
// the compiler leaves out both where nothing uses them.
func asStatuses(b *bytes.Buffer) {
	b.WriteString("\n// HTTP statuses, as IANA's registry names them.\n")
	for _, s := range abi.HTTPStatuses() {
		fmt.Fprintf(b, "/** %s */\nexport const HTTP_%s: u32 = %d;\n", s.Phrase, strings.ToUpper(s.Name), s.Value)
	}
	b.WriteString("\n/** Returns the standard phrase of an HTTP status, \"\" if it has none. */\n")
	b.WriteString("export function phrase(status: u32): string {\n  switch (status) {\n")
	for _, s := range abi.HTTPStatuses() {
		fmt.Fprintf(b, "    case %d: return %q;\n", s.Value, s.Phrase)
	}
	b.WriteString("    default: return \"\";\n  }\n}\n")
}
