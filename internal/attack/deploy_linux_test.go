package attack_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// goGuests builds the echo guest in Go, the slowest module to compile that is at
// hand, and the same with another limit: two files of 2 MB, and neither has the
// code of the other.
func goGuests(t *testing.T) (files [2]string) {
	t.Helper()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go tool to build the guest with")
	}
	source, err := filepath.Abs("../../guests/echo-go/main.go")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for i, limit := range []string{"16 << 20", "15 << 20"} {
		changed := strings.Replace(string(text), "maxMessage = 16 << 20", "maxMessage = "+limit, 1)
		if i > 0 && changed == string(text) {
			t.Fatal("echo-go has no limit to change")
		}
		replacement, overlay := filepath.Join(dir, "main.go"), filepath.Join(dir, "overlay.json")
		write(t, replacement, []byte(changed))
		write(t, overlay, fmt.Appendf(nil, `{"Replace": {%q: %q}}`, source, replacement))
		files[i] = filepath.Join(dir, fmt.Sprint(i, ".wasm"))
		build := exec.Command(goTool, "build", "-overlay", overlay, "-buildmode=c-shared", "-ldflags=-s -w", "-o", files[i], "../../guests/echo-go")
		build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
		if text, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	}
	return files
}

func write(t *testing.T, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestDeploy holds the deploying of one tenant's module, over and over, against the
// rule that attacks are held against: another tenant must not notice.
func TestDeploy(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles 2 MB again and again")
	}
	files := goGuests(t)
	row := attack{id: "deploy", name: "beside-the-victim", quota: 512 << 20, run: func(a *arena) string {
		deploys, longest := 0, time.Duration(0)
		for until := time.Now().Add(a.window); deploys%2 > 0 || time.Now().Before(until); deploys++ {
			r, err := a.ask(request{Op: "reload", Tenant: a.tenant, File: files[(deploys+1)%2]})
			a.check("reload", err)
			longest = max(longest, r.Took)
		}
		return fmt.Sprintf("%d deploys, %.1f s at most", deploys, longest.Seconds())
	}}
	// One tenant for all tries: another one would keep code that is to be compiled.
	specs := []tenantSpec{{Name: "victim"}, {Name: "deploy", File: files[0]}}
	s, control := startServer(t, specs), startServer(t, tenants(nil))
	on := &stage{s, control, startVictim(t, s, "/victim", victimConns), startVictim(t, control, "/victim", victimConns/4)}
	for try := range tries() {
		r := row.play(t, on, "deploy")
		t.Log(r.line)
		if len(r.problems) == 0 {
			return
		}
		if !r.unsteady || try == tries()-1 {
			t.Fatalf("%q", r.problems)
		}
	}
}
