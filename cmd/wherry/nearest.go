package main

// nearest returns the word that a misspelt one may be meant to be: the first of
// those that take the fewest edits, if these are few for its length.
func nearest(misspelt string, words []string) (word string, ok bool) {
	const longest = 64 // bytes; nobody has such a word in mind
	if len(misspelt) > longest {
		return "", false
	}
	fewest := 1 + max(2, len(misspelt)/3)
	for _, w := range words {
		if n := edits(misspelt, w); n < fewest && n < len(w) {
			word, fewest = w, n
		}
	}
	return word, word != ""
}

// edits returns how many bytes must be inserted, deleted or replaced to make b
// of a, or neighbours swapped (the optimal string alignment distance).
func edits(a, b string) int {
	// Rows of the table of distances between the first i bytes of a and the
	// first j of b: for i-2, i-1 and i.
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, above, row = above, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := above[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(above[j]+1, row[j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
