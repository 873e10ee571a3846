// Consistency proofs of another implementation of RFC 9162 (transparency-dev/merkle), honest ones and corrupted ones.
//
//	go run . -seed 9162 -honest 5000 -corrupted 10000     one JSON object a line, for the deep test
//	go run . -vectors > ../../log-consistency.json        the committed vectors
//
// Honest proofs run through the sizes 2 to 5,000, of logs with entries of 0 to 64 random bytes; each is followed by its
// corruptions. That implementation refuses every one of those, or this program stops: what no verifier can refuse (a wrong
// size under which the proof has the same shape) is drawn again.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/rand"
	"os"
	"strconv"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/merkle/testonly"
)

const (
	most = 5000
	logs = 40
)

type statement struct {
	kind         string
	former, size uint64
	formerRoot   []byte
	root         []byte
	proof        [][]byte
}

func (s statement) holds() bool {
	if s.former == 0 || s.former >= s.size {
		return false
	}
	return proof.VerifyConsistency(rfc6962.DefaultHasher, s.former, s.size, s.proof, s.formerRoot, s.root) == nil
}

// A copy whose bytes can be changed.
func (s statement) copied(kind string) statement {
	other := s
	other.kind, other.formerRoot, other.root, other.proof = kind, clone(s.formerRoot), clone(s.root), nil
	for _, node := range s.proof {
		other.proof = append(other.proof, clone(node))
	}
	return other
}

func clone(bytes []byte) []byte { return append([]byte(nil), bytes...) }

type maker struct {
	random *rand.Rand
	trees  []*testonly.Tree
}

func newMaker(seed int64) *maker {
	m := &maker{random: rand.New(rand.NewSource(seed))}
	for i := 0; i < logs; i++ {
		tree := testonly.New(rfc6962.DefaultHasher)
		for tree.Size() < most {
			entry := make([]byte, m.random.Intn(65))
			m.random.Read(entry)
			tree.AppendData(entry)
		}
		m.trees = append(m.trees, tree)
	}
	return m
}

func (m *maker) honest(tree *testonly.Tree, former, size uint64) statement {
	nodes, err := tree.ConsistencyProof(former, size)
	if err != nil {
		log.Fatal(err)
	}
	s := statement{"honest", former, size, tree.HashAt(former), tree.HashAt(size), nodes}
	if !s.holds() {
		log.Fatalf("%d to %d: refused by its own implementation", former, size)
	}
	return s
}

// One honest statement of a log of this size: from any former size, or from one at a power of two.
func (m *maker) of(size uint64) (statement, *testonly.Tree) {
	tree := m.trees[m.random.Intn(logs)]
	former := 1 + uint64(m.random.Int63n(int64(size-1)))
	if m.random.Intn(4) == 0 {
		near := uint64(1)<<m.random.Intn(13) + uint64(m.random.Intn(3)) - 1
		if near > 0 && near < size {
			former = near
		}
	}
	return m.honest(tree, former, size), tree
}

func (m *maker) place(s statement) int { return m.random.Intn(len(s.proof)) }
func (m *maker) flip(bytes []byte)     { bytes[m.random.Intn(len(bytes))] ^= 1 << m.random.Intn(8) }
func (m *maker) node() []byte          { node := make([]byte, 32); m.random.Read(node); return node }
func (m *maker) otherSize() uint64     { return 1 + uint64(m.random.Int63n(most)) }
func insert(p [][]byte, at int, n []byte) [][]byte {
	return append(append(append([][]byte{}, p[:at]...), n), p[at:]...)
}

type corruption struct {
	kind string
	make func(m *maker, s *statement, tree *testonly.Tree)
}

var corruptions = []corruption{
	{"flipped bit in a node", func(m *maker, s *statement, _ *testonly.Tree) { m.flip(s.proof[m.place(*s)]) }},
	{"flipped bit in the root", func(m *maker, s *statement, _ *testonly.Tree) { m.flip(s.root) }},
	{"flipped bit in the former root", func(m *maker, s *statement, _ *testonly.Tree) { m.flip(s.formerRoot) }},
	{"dropped node", func(m *maker, s *statement, _ *testonly.Tree) {
		at := m.place(*s)
		s.proof = append(s.proof[:at], s.proof[at+1:]...)
	}},
	{"added node", func(m *maker, s *statement, _ *testonly.Tree) {
		s.proof = insert(s.proof, m.random.Intn(len(s.proof)+1), m.node())
	}},
	{"duplicated node", func(m *maker, s *statement, _ *testonly.Tree) {
		at := m.place(*s)
		s.proof = insert(s.proof, at, s.proof[at])
	}},
	{"swapped nodes", func(m *maker, s *statement, _ *testonly.Tree) {
		a, b := m.place(*s), m.place(*s)
		s.proof[a], s.proof[b] = s.proof[b], s.proof[a]
	}},
	{"truncated proof", func(m *maker, s *statement, _ *testonly.Tree) { s.proof = s.proof[:m.place(*s)] }},
	{"no proof", func(m *maker, s *statement, _ *testonly.Tree) { s.proof = nil }},
	{"wrong size", func(m *maker, s *statement, _ *testonly.Tree) { s.size = m.otherSize() }},
	{"wrong former size", func(m *maker, s *statement, _ *testonly.Tree) { s.former = m.otherSize() }},
	{"swapped roots", func(m *maker, s *statement, _ *testonly.Tree) { s.root, s.formerRoot = s.formerRoot, s.root }},
	{"inner node as root", func(m *maker, s *statement, _ *testonly.Tree) { s.root = clone(s.proof[m.place(*s)]) }},
	{"inner node as former root", func(m *maker, s *statement, _ *testonly.Tree) { s.formerRoot = clone(s.proof[m.place(*s)]) }},
	{"leaf as root", func(m *maker, s *statement, tree *testonly.Tree) { s.root = clone(tree.LeafHash(s.size - 1)) }},
	{"root of another size", func(m *maker, s *statement, tree *testonly.Tree) { s.root = clone(tree.HashAt(m.otherSize())) }},
	{"proof of another pair", func(m *maker, s *statement, tree *testonly.Tree) {
		a, b := m.otherSize(), m.otherSize()
		if a > b {
			a, b = b, a
		}
		if a < b {
			s.proof = m.honest(tree, a, b).proof
		}
	}},
	{"rewritten log", func(m *maker, s *statement, tree *testonly.Tree) {
		other := testonly.New(rfc6962.DefaultHasher)
		rewritten := uint64(m.random.Int63n(int64(s.former)))
		for i := uint64(0); i < s.size; i++ {
			hash := tree.LeafHash(i)
			if i == rewritten {
				hash = rfc6962.DefaultHasher.HashLeaf([]byte("rewritten"))
			}
			other.Append(hash)
		}
		s.root, s.proof = other.HashAt(s.size), m.honest(other, s.former, s.size).proof
	}},
	{"another log", func(m *maker, s *statement, tree *testonly.Tree) {
		other := m.trees[m.random.Intn(logs)]
		if other != tree {
			s.root, s.proof = clone(other.HashAt(s.size)), m.honest(other, s.former, s.size).proof
		}
	}},
}

// A statement that says something else than the honest one, and is refused. Drawn again where the draw changed nothing,
// or where only a size changed and the shape of the proof did not.
func (m *maker) corrupted(s statement, tree *testonly.Tree, c corruption) (statement, bool) {
	for draw := 0; draw < 64; draw++ {
		other := s.copied(c.kind)
		c.make(m, &other, tree)
		if same(s, other) || other.former >= other.size {
			continue
		}
		if !other.holds() {
			return other, true
		}
		if c.kind != "wrong size" && c.kind != "wrong former size" && c.kind != "proof of another pair" {
			log.Fatalf("%s, %d to %d: accepted", c.kind, other.former, other.size)
		}
	}
	return s, false
}

func same(a, b statement) bool { return text(a.line()) == text(b.line()) }

func (s statement) line() map[string]any {
	nodes := []string{}
	for _, node := range s.proof {
		nodes = append(nodes, word(node))
	}
	return map[string]any{
		"formerSize": strconv.FormatUint(s.former, 10), "formerRoot": word(s.formerRoot),
		"size": strconv.FormatUint(s.size, 10), "root": word(s.root), "proof": nodes,
	}
}

func word(bytes []byte) string { return "0x" + hex.EncodeToString(bytes) }

func text(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		log.Fatal(err)
	}
	return string(encoded)
}

// Honest statements of all sizes, round and round, and after each its part of the corruptions, kind by kind.
func (m *maker) run(honest, corrupted int, sizeOf func(int) uint64, tell func(statement, bool)) {
	made := 0
	for i := 0; i < honest; i++ {
		s, tree := m.of(sizeOf(i))
		tell(s, true)
		for made*honest < corrupted*(i+1) {
			other, found := m.corrupted(s, tree, corruptions[made%len(corruptions)])
			if !found { // a proof of one node cannot be swapped, say
				other, found = m.corrupted(s, tree, corruptions[0])
			}
			if !found {
				log.Fatal("no corruption found")
			}
			made++
			tell(other, false)
		}
	}
}

func main() {
	seed := flag.Int64("seed", 9162, "of everything random")
	honest := flag.Int("honest", 20, "how many honest proofs")
	corrupted := flag.Int("corrupted", 57, "how many corrupted ones")
	vectors := flag.Bool("vectors", false, "write the vector file")
	flag.Parse()
	m := newMaker(*seed)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	if !*vectors {
		sizeOf := func(i int) uint64 { return 2 + uint64(i)%(most-1) }
		m.run(*honest, *corrupted, sizeOf, func(s statement, holds bool) {
			fmt.Fprintln(out, text(map[string]any{"kind": s.kind, "input": s.line(), "continues": holds}))
		})
		return
	}
	sizes := []uint64{2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 33, 100, 255, 256, 257, 1000, 2048, 4097, 5000}
	cases := []any{}
	m.run(*honest, *corrupted, func(i int) uint64 { return sizes[i%len(sizes)] }, func(s statement, holds bool) {
		name := fmt.Sprintf("%d: %s, %d to %d", len(cases), s.kind, s.former, s.size)
		cases = append(cases, object{{"name", name}, {"input", ordered(s)}, {"expected", object{{"continues", holds}}}})
	})
	file := object{
		{"format", "log-consistency"},
		{"version", 1},
		{"about", "Whether one RFC 9162 log continues another: consistency proofs (2.1.4), honest and corrupted."},
		{"madeBy", "transparency-dev/merkle v0.0.2 (tests/vectors/check/consistency)"},
		{"cases", cases},
	}
	encoded, err := json.MarshalIndent(file, "", " ")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintln(out, string(encoded))
}

func ordered(s statement) object {
	line := s.line()
	told := object{}
	for _, name := range []string{"formerSize", "formerRoot", "size", "root", "proof"} {
		told = append(told, member{name, line[name]})
	}
	return told
}

// A JSON object whose members stay in their order.
type member struct {
	name  string
	value any
}
type object []member

func (o object) MarshalJSON() ([]byte, error) {
	told := []byte("{")
	for i, each := range o {
		if i > 0 {
			told = append(told, ',')
		}
		value, err := json.Marshal(each.value)
		if err != nil {
			return nil, err
		}
		told = append(append(append(told, strconv.Quote(each.name)...), ':'), value...)
	}
	return append(told, '}'), nil
}
