package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/seed-c6589352/wherry/abi"
)

// cHeader returns the header for C: constants as enumerators, layouts as
// structures whose offsets the compiler checks.
func cHeader() []byte {
	var b bytes.Buffer
	b.WriteString(banner)
	b.WriteString("// The constants and layouts of version 1 of the Wherry guest ABI; SPEC.md explains them.\n")
	b.WriteString("#ifndef WHERRY_ABI_H\n#define WHERRY_ABI_H\n\n#include <stddef.h>\n#include <stdint.h>\n")
	cEnum(&b, "Sizes and limits.", "", abi.Limits())
	cEnum(&b, "Kinds of records. A number has two names where event and command differ.", "KIND_", abi.Kinds())
	cEnum(&b, "Flags of records.", "FLAG_", abi.FlagBits())
	cEnum(&b, "Statuses: the code of a fault.", "STATUS_", abi.Statuses())
	cEnum(&b, "Levels of wherry_log.", "LOG_", abi.LogLevels())
	cEnum(&b, "Clocks of wherry_now.", "CLOCK_", abi.Clocks())
	cEnum(&b, "Codes of a stop event.", "STOP_", abi.StopReasons())
	cEnum(&b, "Close codes, as IANA's registry names them.", "CLOSE_", abi.CloseCodes())
	b.WriteString("\n// HTTP statuses, as IANA's registry names them; their phrases are in wherry_status.h.\nenum {\n")
	for _, s := range abi.HTTPStatuses() {
		fmt.Fprintf(&b, "  %-44s = %d,\n", "WHERRY_HTTP_"+strings.ToUpper(s.Name), s.Value)
	}
	b.WriteString("};\n")
	b.WriteString("\n// Names of pseudo-fields; one that ends with a dot is a prefix.\n")
	for _, f := range abi.PseudoFields() {
		fmt.Fprintf(&b, "#define %-25s %-18s // %s\n", "WHERRY_FIELD_"+strings.ToUpper(f.Name), `"`+f.Text+`"`, f.Doc)
	}
	cStruct(&b, "wherry_record", abi.RecordSize, abi.RecordLayout())
	cStruct(&b, "wherry_mailbox", abi.MailboxSize, abi.MailboxLayout())
	b.WriteString("\n#endif\n")
	return b.Bytes()
}

// cStatusHeader returns the header with the phrases of HTTP statuses, which is
// apart so that a guest without need of them does not carry them.
func cStatusHeader() []byte {
	var b bytes.Buffer
	b.WriteString(banner)
	b.WriteString("// The standard phrases of HTTP statuses.\n")
	b.WriteString("#ifndef WHERRY_STATUS_H\n#define WHERRY_STATUS_H\n\n#include <stdint.h>\n\n")
	b.WriteString("// wherry_phrase returns the standard phrase of an HTTP status, \"\" if it has none.\n")
	b.WriteString("static inline const char *wherry_phrase(uint32_t http_status) {\n  switch (http_status) {\n")
	for _, s := range abi.HTTPStatuses() {
		fmt.Fprintf(&b, "  case %d: return %q;\n", s.Value, s.Phrase)
	}
	b.WriteString("  default: return \"\";\n  }\n}\n\n#endif\n")
	return b.Bytes()
}

// cEnum writes rows as an anonymous enumeration under a comment.
func cEnum(b *bytes.Buffer, comment, prefix string, rows []abi.Name) {
	fmt.Fprintf(b, "\n// %s\nenum {\n", comment)
	width := 26
	for _, row := range rows {
		width = max(width, len("WHERRY_"+prefix+row.Name))
	}
	for _, row := range rows {
		fmt.Fprintf(b, "  %-*s = %8d, // %s\n", width, "WHERRY_"+prefix+strings.ToUpper(row.Name), row.Value, row.Doc)
	}
	b.WriteString("};\n")
}

// cStruct writes a layout as a structure of size bytes, and the assertions that
// the compiler lays it out so.
func cStruct(b *bytes.Buffer, name string, size uint32, slots []abi.Slot) {
	fmt.Fprintf(b, "\ntypedef struct %s {\n", name)
	var end uint32
	for _, s := range slots {
		fmt.Fprintf(b, "  %-9s %-15s // %s\n", fmt.Sprintf("uint%d_t", 8*s.Bytes), s.Name+";", s.Doc)
		end = s.Offset + s.Bytes
	}
	if end < size {
		fmt.Fprintf(b, "  %-9s %-15s // zero\n", "uint8_t", fmt.Sprintf("reserved[%d];", size-end))
	}
	fmt.Fprintf(b, "} %s;\n\n", name)
	fmt.Fprintf(b, "_Static_assert(sizeof(%s) == %d, \"layout\");\n", name, size)
	for _, s := range slots {
		fmt.Fprintf(b, "_Static_assert(offsetof(%s, %s) == %d, \"layout\");\n", name, s.Name, s.Offset)
	}
}
