package conformance_test

import (
	"flag"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-c6589352/wherry/internal/conformance"
)

// players is how many cases are played at once: most of their time is waiting.
const players = 16

var seedFlag = flag.Uint64("conformance.seed", 0, "where cases are cut at random; 0 chooses one, and every test prints it")

// seed returns the seed of a test's random deliveries, and prints it.
func seed(t *testing.T) uint64 {
	s := *seedFlag
	if s == 0 {
		s = rand.Uint64() >> 32
	}
	t.Logf("-conformance.seed=%d", s)
	return s
}

// A job plays one case in one delivery. Its outcome is filled in by play.
type job struct {
	id       string
	delivery string
	alone    bool // it measures the process, and nothing else may run
	play     func() (weak bool, err error)

	weak bool // passed as the case's second choice
	err  error
}

// playAll plays all jobs.
func playAll(jobs []*job) {
	queue := make(chan *job)
	var wg sync.WaitGroup
	for range players {
		wg.Go(func() {
			for j := range queue {
				j.weak, j.err = j.play()
			}
		})
	}
	for _, j := range jobs {
		if !j.alone {
			queue <- j
		}
	}
	close(queue)
	wg.Wait()
	for _, j := range jobs {
		if j.alone {
			j.weak, j.err = j.play()
		}
	}
}

// once returns the deliveries that a case needs: if it is excluded, to fail in one
// is enough.
func once(why string, ds []conformance.Delivery) []conformance.Delivery {
	if why != "" {
		return ds[:1]
	}
	return ds
}

// judge reports what failed. A case in excluded must fail: one that passes needs
// no exclusion any more.
func judge(t *testing.T, jobs []*job, excluded map[string]string) {
	t.Helper()
	passed, weak := make(map[string]int), make(map[string]bool)
	unknown := maps.Clone(excluded)
	for _, j := range jobs {
		delete(unknown, j.id)
		why, isExcluded := excluded[j.id]
		switch {
		case isExcluded && j.err != nil:
			t.Logf("%s is excluded: %s (%v)", j.id, why, j.err)
		case isExcluded:
			t.Errorf("%s passes, and its exclusion can go: %s", j.id, why)
		case j.err != nil:
			t.Errorf("%s, %s: %v", j.id, j.delivery, j.err)
		default:
			passed[group(j.delivery)]++
			weak[j.id] = weak[j.id] || j.weak
		}
	}
	for id := range unknown {
		t.Errorf("%s is excluded, and there is no such case", id)
	}
	maps.DeleteFunc(weak, func(_ string, isWeak bool) bool { return !isWeak })
	for _, name := range slices.Sorted(maps.Keys(passed)) {
		t.Logf("%s: %d passed", name, passed[name])
	}
	t.Logf("%d cases excluded; second choice: %v", len(excluded), slices.Sorted(maps.Keys(weak)))
}

// group is a delivery's name without its numbers.
func group(delivery string) string {
	end := slices.IndexFunc([]rune(delivery), func(r rune) bool { return r == '(' || '0' <= r && r <= '9' })
	if end < 0 {
		return delivery
	}
	return strings.TrimSpace(delivery[:end])
}
