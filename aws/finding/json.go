package finding

import "encoding/json"

// MarshalJSON writes a finding with what its rule says, for other programs.
func (f Finding) MarshalJSON() ([]byte, error) {
	out := struct {
		ID       string `json:"id"`
		Severity string `json:"severity"`
		Allowed  bool   `json:"allowed,omitempty"`
		At       string `json:"at,omitempty"`
		Path     string `json:"path,omitempty"`
		Subject  string `json:"subject,omitempty"`
		Text     string `json:"text"`
		Meaning  string `json:"meaning"`
		Remedy   string `json:"remedy"`
		Witness  string `json:"witness,omitempty"`
		Source   string `json:"source,omitempty"`
	}{
		ID: f.Rule.ID, Severity: f.Severity.String(), Allowed: f.Allowed, Path: f.Path, Subject: f.Subject, Text: f.Text,
		Meaning: f.Rule.Meaning, Remedy: f.Rule.Remedy, Witness: f.Rule.Witness, Source: f.Rule.Source,
	}
	if f.At.File != "" {
		out.At = f.At.String()
	}
	return json.Marshal(out)
}
