package h1_test

import (
	"testing"
	"testing/synctest"

	"skerry.dev/skerry/wire/wiretest"
)

// TestConformance is the table of all protocols.
func TestConformance(t *testing.T) { wiretest.Test(t, start, wiretest.HTTP1{}) }

// TestConformanceBytewise is the same from clients whose bytes come one by one.
func TestConformanceBytewise(t *testing.T) { wiretest.Test(t, start, wiretest.HTTP1{Bytewise: true}) }

// TestConformanceTimes is the part of it in which time passes.
func TestConformanceTimes(t *testing.T) {
	wiretest.TestTimes(t, synctest.Test, startPipes, wiretest.HTTP1{})
}

// The lines and bytes that only HTTP/1.1 has.

func TestRefusedLines(t *testing.T) { wiretest.TestRefusedLines(t, start) }
func TestPassingLines(t *testing.T) { wiretest.TestScripts(t, start, wiretest.PassingLines) }
func TestBadChunks(t *testing.T)    { wiretest.TestScripts(t, start, wiretest.BadChunks) }
func TestWording(t *testing.T)      { wiretest.TestScripts(t, start, wiretest.Wording) }
func TestFlowLines(t *testing.T)    { wiretest.TestScripts(t, start, wiretest.FlowLines) }
