package disk_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/cache/disk"
	"skerry.dev/skerry/cache/storage"
)

// The crash tests run this test's own binary as a child that puts, removes and purges, tells its parent before and after each of them,
// and is killed.
const (
	childDir  = "SKERRY_DISK_CHILD"
	childSeed = "SKERRY_DISK_SEED"
)

const (
	crashKeys   = 60
	crashBudget = 6 * mb
)

func crashKey(n int) []byte {
	return key("https", fmt.Sprintf("h%d.example", n%3), "/"+strconv.Itoa(n))
}

func crashGroup(n int) string { return "g" + strconv.Itoa(n%5) }

// crashBody is what the object of a number has for a body: of all sizes, from the number alone.
func crashBody(number uint64) []byte {
	r := rand.New(rand.NewPCG(number, 1))
	return content(number, []int{r.IntN(100), r.IntN(20_000), r.IntN(disk.InlineMax), disk.InlineMax + r.IntN(300_000)}[r.IntN(4)])
}

// child works until it is killed. Each line that it writes is an operation: "put KEY NUMBER" before it, "gone WHAT VALUE NUMBER" when
// a removal or purge of lower numbers is with the operating system.
func child(dir string) {
	seed, _ := strconv.ParseUint(os.Getenv(childSeed), 10, 64)
	r := rand.New(rand.NewPCG(seed, 2))
	sys := unsynced()
	d, err := disk.OpenOn(dir, disk.Options{Bytes: crashBudget}, sys)
	if err != nil {
		fmt.Println("error", err)
		return
	}
	store := storage.New(storage.Options{Bytes: 64 * mb})
	fmt.Println("begun")
	for number := seed; ; number++ {
		k := r.IntN(crashKeys)
		switch what := r.IntN(40); {
		case what < 30:
			fmt.Println("put", k, number)
			crashPut(d, maker{store}, k, number, what < 5)
		case what < 34:
			d.Remove(crashKey(k), number)
			d.Flush()
			fmt.Println("gone key", k, number)
		case what < 36:
			crashPurge(d, storage.Purge{Number: number, Kind: storage.PurgeURL, Host: fmt.Sprintf("h%d.example", k%3), Value: "/" + strconv.Itoa(k)})
			fmt.Println("gone key", k, number)
		case what == 36:
			crashPurge(d, storage.Purge{Number: number, Kind: storage.PurgeGroup, Value: crashGroup(k)})
			fmt.Println("gone group", k%5, number)
		case what == 37 && k < 10:
			crashPurge(d, storage.Purge{Number: number, Kind: storage.PurgeAll, Host: fmt.Sprintf("h%d.example", k%3)})
			fmt.Println("gone host", k%3, number)
		default:
			d.Find(crashKey(k)) // what is asked for is copied forward
		}
	}
}

// crashPurge purges, and returns when the purge is with the operating system: as Keep does, but where the writer stood still for so long that
// Keep has given up.
func crashPurge(d *disk.Disk, p storage.Purge) {
	began := time.Now()
	if d.Keep(p); time.Since(began) >= disk.KeepWait {
		d.Flush()
	}
}

// crashPut puts an object, some of them as bodies that arrive in pieces.
func crashPut(d *disk.Disk, m maker, k int, number uint64, pieces bool) {
	body := crashBody(number)
	draft := storage.Draft{Key: crashKey(k), Number: number, Groups: [][]byte{[]byte(crashGroup(k))}}
	if !pieces {
		draft.Body = [][]byte{body}
		d.Put(m.draft(&draft))
		return
	}
	spool := d.Begin(-1)
	if spool == nil {
		return
	}
	for len(body) > 0 {
		n := min(len(body), 50_000)
		if spool.Append(body[:n]) != nil {
			spool.Close()
			return
		}
		body = body[n:]
	}
	draft.Spool = spool
	d.Put(m.draft(&draft))
}

// history is what the children have told.
type history struct {
	puts  map[int]map[uint64]bool
	gone  map[string]uint64 // of "key 3", "group 1", "host 2": the highest number
	lines int
}

func (h *history) read(line string) error {
	h.lines++
	f := strings.Fields(line)
	switch f[0] {
	case "put":
		k, _ := strconv.Atoi(f[1])
		n, _ := strconv.ParseUint(f[2], 10, 64)
		if h.puts[k] == nil {
			h.puts[k] = map[uint64]bool{}
		}
		h.puts[k][n] = true
	case "gone":
		n, _ := strconv.ParseUint(f[3], 10, 64)
		h.gone[f[1]+" "+f[2]] = max(h.gone[f[1]+" "+f[2]], n)
	case "begun":
	default:
		return fmt.Errorf("the child says %q", line)
	}
	return nil
}

// check holds what a Disk has against the history, and returns how many objects there are.
func (h *history) check(d *disk.Disk) (n int, err error) {
	for k := range crashKeys {
		for _, f := range d.Find(crashKey(k)) {
			n++
			number := f.Number
			gone := max(h.gone["key "+strconv.Itoa(k)], h.gone["group "+strconv.Itoa(k%5)], h.gone["host "+strconv.Itoa(k%3)])
			switch {
			case !h.puts[k][number]:
				return n, fmt.Errorf("key %d: object %d was never put", k, number)
			case number < gone:
				return n, fmt.Errorf("key %d: object %d is back, though all before %d were removed", k, number, gone)
			case string(f.Head.Find([]byte("x-number"))) != strconv.FormatUint(number, 10):
				return n, fmt.Errorf("key %d: object %d has another's head: %q", k, number, f.Head)
			case !bytes.Equal(read(f), crashBody(number)):
				return n, fmt.Errorf("key %d: object %d has another body than %d bytes", k, number, len(crashBody(number)))
			}
		}
	}
	return n, nil
}

// runChild starts a child, kills it after a while, and reads what it told.
func runChild(t *testing.T, dir string, seed uint64, h *history, wait time.Duration) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childSeed+"="+strconv.FormatUint(seed, 10))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	line, err := r.ReadString('\n') // it has begun: what is measured is work
	if err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(wait, func() { cmd.Process.Kill() })
	defer timer.Stop()
	for err == nil {
		if e := h.read(strings.TrimSuffix(line, "\n")); e != nil {
			t.Error(e)
		}
		line, err = r.ReadString('\n') // a last line without an end was not told entirely
	}
	if err != io.EOF {
		t.Fatal(err)
	}
	cmd.Wait()
}

// TestSoakDiskKill: a process is killed in the middle of its work, again and again. What the next one finds is whole, was put, and was
// not removed. A few seconds in every run of the tests; with SKERRY_SOAK=1 ten minutes, or as SKERRY_SOAK_TIME says.
func TestSoakDiskKill(t *testing.T) {
	kills, until := 20, time.Time{}
	if os.Getenv("SKERRY_SOAK") == "1" {
		length := 10 * time.Minute
		if l, err := time.ParseDuration(os.Getenv("SKERRY_SOAK_TIME")); err == nil {
			length = l
		}
		kills, until = 1<<30, time.Now().Add(length)
	}
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("SKERRY_SOAK_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("SKERRY_SOAK_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 3))
	dir := t.TempDir()
	h := &history{puts: map[int]map[uint64]bool{}, gone: map[string]uint64{}}
	found, rounds := 0, 0
	for ; rounds < kills && (until.IsZero() || time.Now().Before(until)); rounds++ {
		runChild(t, dir, uint64(rounds+1)*1_000_000, h, time.Duration(r.IntN(200_000))*time.Microsecond)
		if last := rounds == kills-1; r.IntN(3) > 0 && kills == 20 && !last {
			continue // the next child begins on what the killed one left
		}
		d := open(t, dir, crashBudget)
		n, err := h.check(d)
		if err != nil {
			t.Fatalf("after %d kills, %d operations: %v", rounds+1, h.lines, err)
		}
		found += n
		if _, _, _, broken, _, _, _ := d.Counts(); broken > 0 {
			t.Errorf("after %d kills %d records are damaged; nobody touched them", rounds+1, broken)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d kills, %d operations, %d objects found whole", rounds, h.lines, found)
	if found == 0 {
		t.Error("nothing survived")
	}
}
