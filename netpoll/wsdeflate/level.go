package wsdeflate

// A Level is how hard a Deflater searches for what repeats.
type Level int

const (
	Fastest  Level = 1 // looks at one place where a match may be, and takes it
	Balanced Level = 2 // looks at some, and whether the next byte has a better one
	Smallest Level = 3 // looks at many
)

// An effort is what a level means to the search.
type effort struct {
	depth  int // places that are looked at for one match
	enough int // bytes of a match that is not worth bettering
}

func (l Level) effort() effort {
	switch l {
	case Smallest:
		return effort{depth: 64, enough: 128}
	case Balanced:
		return effort{depth: 8, enough: 32}
	}
	return effort{depth: 1}
}
