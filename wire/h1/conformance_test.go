package h1_test

import (
	"testing"

	"skerry.dev/skerry/wire/wiretest"
)

func TestRefused(t *testing.T)    { wiretest.TestRefused(t, start) }
func TestPassing(t *testing.T)    { wiretest.TestScripts(t, start, wiretest.Passing) }
func TestBadChunks(t *testing.T)  { wiretest.TestScripts(t, start, wiretest.BadChunks) }
func TestBadAnswers(t *testing.T) { wiretest.TestBadAnswers(t, start, wiretest.H1) }
func TestAnswers(t *testing.T)    { wiretest.TestScripts(t, start, wiretest.Answers) }
func TestFlows(t *testing.T)      { wiretest.TestScripts(t, start, wiretest.Flows) }
