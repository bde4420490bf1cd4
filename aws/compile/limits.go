package compile

// bodyKBDefault is how much of a body AWS WAF looks at behind CloudFront if nothing is said, in KB; more has a price.
const bodyKBDefault = 16
