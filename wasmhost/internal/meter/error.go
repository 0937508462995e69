package meter

import "fmt"

// A Rule names what a module broke. The names are stable.
type Rule string

// The rules of decoding.
const (
	RuleInvalid   Rule = "invalid_module" // not WebAssembly, or malformed
	RuleFeature   Rule = "feature_off"    // of an extension that guests do not get
	RuleImport    Rule = "import_not_allowed"
	RuleMemories  Rule = "memory_count"
	RuleMemory    Rule = "memory_limit"    // it starts with more than it may have
	RuleLocals    Rule = "locals_limit"    // of a function, or of all together
	RuleCount     Rule = "count_limit"     // too many of something
	RuleTable     Rule = "table_limit"     // it starts with more entries than it may have
	RuleBody      Rule = "body_limit"      // a function that is too long, or too intricate
	RuleData      Rule = "data_limit"      // more initial data than it may have memory
	RuleExportTwo Rule = "export_reserved" // an export with a name of the host's
)

// An Error says why a module was refused.
type Error struct {
	Rule   Rule
	Detail string // the offending thing, its number and its place, for people
}

func (e *Error) Error() string { return "meter: " + string(e.Rule) + ": " + e.Detail }

// refuse returns an Error. Names that come from a module are printed with %.64q,
// because they may be as long as the module.
func refuse(rule Rule, format string, args ...any) error {
	return &Error{rule, fmt.Sprintf(format, args...)}
}
