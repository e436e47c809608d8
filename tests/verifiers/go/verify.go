// Verifies a published log with Go's own golang.org/x/mod/sumdb/{note,tlog}, which nobody here wrote.
//
//	verify <folder> <verifier key>
//
// <folder> holds log/checkpoint and log/tile/… in the layout of C2SP tlog-tiles. The program opens the checkpoint,
// hashes every entry, compares every tile with what those hashes make, and checks the root, inclusion proofs and
// consistency proofs read through the published tiles. One line of figures and exit code 0 only where all of it holds.
// Only Debian's packages are used: golang-go and golang-golang-x-mod-dev.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Height of a tile: 256 hashes. Go's own paths would name it, those of tlog-tiles leave it out.
const height = 8

// Inclusion proofs are checked for every leaf of a small log, and for about so many of a large one.
const samples = 4096

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: verify <folder> <verifier key>")
		os.Exit(2)
	}
	figures, err := verify(filepath.Join(os.Args[1], "log"), os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "FAILED:", err)
		os.Exit(1)
	}
	fmt.Println(figures)
}

func verify(log, vkey string) (string, error) {
	tree, signatures, err := openCheckpoint(log, vkey)
	if err != nil {
		return "", err
	}
	hashes, entryBytes, err := hashEntries(log, tree.N)
	if err != nil {
		return "", err
	}
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil || root != tree.Hash {
		return "", fmt.Errorf("the entries make the root %v, the checkpoint says %v (%v)", root, tree.Hash, err)
	}
	tiles, err := compareTiles(log, tree.N, hashes)
	if err != nil {
		return "", err
	}
	published := tlog.TileHashReader(tree, &folder{log})
	included, err := checkInclusion(tree, hashes, published)
	if err != nil {
		return "", err
	}
	older, err := checkConsistency(tree, hashes, published)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("go: size %d root %v signatures %d entry-bytes %d tiles %d inclusions %d consistencies %d",
		tree.N, tree.Hash, signatures, entryBytes, tiles, included, older), nil
}

func openCheckpoint(log, vkey string) (tlog.Tree, int, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, 0, fmt.Errorf("verifier key: %w", err)
	}
	bytes, err := os.ReadFile(filepath.Join(log, "checkpoint"))
	if err != nil {
		return tlog.Tree{}, 0, err
	}
	opened, err := note.Open(bytes, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, 0, fmt.Errorf("checkpoint: %w", err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tlog.Tree{}, 0, fmt.Errorf("checkpoint: not origin, size and root: %q", opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != lines[1] || size < 1 {
		return tlog.Tree{}, 0, fmt.Errorf("checkpoint: size %q", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return tlog.Tree{}, 0, fmt.Errorf("checkpoint: root: %w", err)
	}
	return tlog.Tree{N: size, Hash: root}, len(opened.Sigs) + len(opened.UnverifiedSigs), nil
}

// stored is the tree that the entries make, in the order of Go's stored hashes.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, 0, len(indexes))
	for _, index := range indexes {
		if index < 0 || index >= int64(len(s)) {
			return nil, fmt.Errorf("no stored hash %d", index)
		}
		hashes = append(hashes, s[index])
	}
	return hashes, nil
}

// hashEntries reads every entry bundle.
func hashEntries(log string, size int64) (stored, int, error) {
	var hashes stored
	total := 0
	for first := int64(0); first < size; first += 1 << height {
		width := size - first
		if width > 1<<height {
			width = 1 << height
		}
		path := tilePath("entries", first>>height, int(width))
		bundle, err := os.ReadFile(filepath.Join(log, path))
		if err != nil {
			return nil, 0, err
		}
		for i := first; i < first+width; i++ {
			if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
				return nil, 0, fmt.Errorf("%s: cut short in entry %d", path, i)
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			more, err := tlog.StoredHashes(i, bundle[2:end], hashes)
			if err != nil {
				return nil, 0, err
			}
			hashes = append(hashes, more...)
			total += end - 2
			bundle = bundle[end:]
		}
		if len(bundle) != 0 {
			return nil, 0, fmt.Errorf("%s: %d bytes after the last entry", path, len(bundle))
		}
	}
	return hashes, total, nil
}

// compareTiles holds every hash tile of the size against the hashes of the entries.
func compareTiles(log string, size int64, hashes stored) (int, error) {
	compared := 0
	for _, tile := range tlog.NewTiles(height, 0, size) {
		// Go names every width that a partial tile ever had; a log may drop all but the present one.
		if at := size >> (height * tile.L); tile.W < 1<<height && int64(tile.W) != at%(1<<height) {
			continue
		}
		expected, err := tlog.ReadTileData(tile, hashes)
		if err != nil {
			return 0, err
		}
		path := hashTilePath(tile)
		published, err := os.ReadFile(filepath.Join(log, path))
		if err != nil {
			return 0, err
		}
		if !bytes.Equal(published, expected) {
			return 0, fmt.Errorf("%s: not the hashes of the entries", path)
		}
		compared++
	}
	return compared, nil
}

// checkInclusion proves leaves through the published tiles: all of a small log, evenly spread ones of a large.
func checkInclusion(tree tlog.Tree, hashes stored, published tlog.HashReader) (int, error) {
	step := tree.N/samples + 1
	checked := 0
	for i := int64(0); i < tree.N; i += step {
		proof, err := tlog.ProveRecord(tree.N, i, published)
		if err != nil {
			return 0, fmt.Errorf("inclusion of leaf %d: %w", i, err)
		}
		leaf := hashes[tlog.StoredHashIndex(0, i)]
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, i, leaf); err != nil {
			return 0, fmt.Errorf("inclusion of leaf %d: %w", i, err)
		}
		checked++
	}
	return checked, nil
}

// checkConsistency proves older sizes, those around powers of two and tile borders and the last ones among them.
func checkConsistency(tree tlog.Tree, hashes stored, published tlog.HashReader) (int, error) {
	older := map[int64]bool{tree.N: true}
	for i := int64(1); i <= 40; i++ {
		older[i] = true
		older[tree.N-i] = true
		older[tree.N*i/41] = true
		older[1<<i] = true
		older[1<<i-1] = true
		older[1<<i+1] = true
		older[i*256] = true
	}
	checked := 0
	for size := range older {
		if size < 1 || size > tree.N {
			continue
		}
		root, err := tlog.TreeHash(size, hashes)
		if err != nil {
			return 0, err
		}
		proof, err := tlog.ProveTree(tree.N, size, published)
		if err != nil {
			return 0, fmt.Errorf("consistency of size %d: %w", size, err)
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, size, root); err != nil {
			return 0, fmt.Errorf("consistency of size %d: %w", size, err)
		}
		checked++
	}
	return checked, nil
}

// folder reads published tiles for Go's TileHashReader, which authenticates each against the checkpoint.
type folder struct{ log string }

func (f *folder) Height() int { return height }

func (f *folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, 0, len(tiles))
	for _, tile := range tiles {
		bytes, err := os.ReadFile(filepath.Join(f.log, hashTilePath(tile)))
		if err != nil {
			return nil, err
		}
		data = append(data, bytes)
	}
	return data, nil
}

func (f *folder) SaveTiles([]tlog.Tile, [][]byte) {}

func hashTilePath(tile tlog.Tile) string {
	return tilePath(strconv.Itoa(tile.L), tile.N, tile.W)
}

// tilePath writes tile/<level>/<number>[.p/<width>], the number in groups of three digits.
func tilePath(level string, number int64, width int) string {
	path := fmt.Sprintf("%03d", number%1000)
	for number /= 1000; number > 0; number /= 1000 {
		path = fmt.Sprintf("x%03d/%s", number%1000, path)
	}
	path = "tile/" + level + "/" + path
	if width < 1<<height {
		path += ".p/" + strconv.Itoa(width)
	}
	return path
}
