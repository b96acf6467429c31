//! The stable names of mistakes. `docs/diagnostics.md` is checked against this table.

/// Declares the codes, with what each one means, in one table.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// A kind of mistake. The text never changes once released: scripts and annotations refer to it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable text.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    /// The file cannot be opened or read.
    FileUnreadable = "file/unreadable";
    /// The path is a directory, a pipe or a device.
    FileNotRegular = "file/not-a-file";
    /// The file is larger than 1 MiB.
    FileTooLarge = "file/too-large";
    /// The file is not UTF-8 text.
    FileNotUtf8 = "file/not-utf8";
    /// The file holds control characters.
    FileBinary = "file/binary";
    /// The file starts with a byte order mark.
    FileByteOrderMark = "file/byte-order-mark";
    /// The file says nothing.
    FileEmpty = "file/empty";

    /// The text is not YAML.
    YamlSyntax = "yaml/syntax";
    /// A tab where YAML wants spaces.
    YamlTab = "yaml/tab";
    /// Nested deeper than any real file.
    YamlTooDeep = "yaml/too-deep";
    /// More values than any real file.
    YamlTooLong = "yaml/too-long";
    /// A second document after `---`.
    YamlSeveralDocuments = "yaml/several-documents";
    /// An anchor or an alias.
    YamlAlias = "yaml/alias";
    /// An explicit tag.
    YamlTag = "yaml/tag";
    /// A key that is not text.
    YamlKeyNotText = "yaml/key-not-text";
    /// A key written twice in one map.
    YamlDuplicateKey = "yaml/duplicate-key";

    /// A version that this `migrate` does not know.
    GrammarVersion = "grammar/unsupported-version";
    /// A key that the grammar does not have.
    GrammarUnknownKey = "grammar/unknown-key";
    /// A required key is absent.
    GrammarMissingKey = "grammar/missing-key";
    /// A key without a value.
    GrammarMissingValue = "grammar/missing-value";
    /// A value of the wrong type.
    GrammarWrongType = "grammar/wrong-type";
    /// A number outside its range.
    GrammarOutOfRange = "grammar/out-of-range";
    /// Too few or too many items or characters.
    GrammarWrongLength = "grammar/wrong-length";
    /// A text of the wrong form.
    GrammarWrongForm = "grammar/wrong-form";
    /// A value that is not one of the allowed ones.
    GrammarNotAllowed = "grammar/not-allowed";
    /// Several keys of which exactly one is allowed.
    GrammarExactlyOne = "grammar/exactly-one";

    /// The copy listens where the original does.
    RolloutSamePort = "rollout/same-port";
    /// A port below 1024 for an account that may not use it.
    RolloutPrivilegedPort = "rollout/privileged-port";
    /// The copy's directory and the original's overlap.
    RolloutOverlappingDirectories = "rollout/overlapping-directories";
    /// Staging is also a production target.
    RolloutStagingIsProduction = "rollout/staging-is-production";
    /// Two production targets share a name, a host or an instance.
    RolloutDuplicateTarget = "rollout/duplicate-target";
    /// A production target has a name that means something else.
    RolloutReservedName = "rollout/reserved-name";
    /// A change window in which nothing can be changed.
    RolloutChangeWindow = "rollout/change-window";
    /// A target that is to leave where it cannot, or where nobody else would serve.
    RolloutDrain = "rollout/drain";
    /// A difference that is accepted about something that is not there.
    RolloutAcceptedDifference = "rollout/accepted-difference";
    /// A duration of no time at all.
    RolloutZeroDuration = "rollout/zero-duration";
    /// A soak too short to see an hour of users.
    RolloutShortSoak = "rollout/short-soak";
    /// Evidence gets stale before a soak is over.
    RolloutStaleEvidence = "rollout/stale-evidence";
    /// Worker counts are repeated or not ascending.
    RolloutWorkerCounts = "rollout/worker-counts";
    /// Limits of the load of phase 3 that judge nothing.
    RolloutLoadLimits = "rollout/load-limits";
    /// A pair of requests that finds no state that a worker keeps for itself.
    RolloutSharedState = "rollout/shared-state";
    /// Limits of a comparison that judge nothing.
    RolloutComparisonLimits = "rollout/comparison-limits";
    /// Limits of the soak of phase 4 that judge nothing.
    RolloutSoakLimits = "rollout/soak-limits";
    /// Synthetic users who are also those of a load.
    RolloutCohortNumbers = "rollout/cohort-numbers";
    /// A place that must not reach the store is one that has to.
    RolloutRefusedTarget = "rollout/refused-target";
    /// A place that must not reach the store is listed twice.
    RolloutRefusedTwice = "rollout/refused-twice";
    /// An auth token without encryption in transit.
    RolloutAuthWithoutTls = "rollout/auth-without-tls";
    /// An authority to trust without encryption in transit.
    RolloutAuthorityWithoutTls = "rollout/authority-without-tls";
    /// A version that the engine is not known to have.
    RolloutEngineVersion = "rollout/engine-version";
    /// Not the name of a Python module.
    RolloutModuleName = "rollout/module-name";
    /// Not the name of a systemd service.
    RolloutUnitName = "rollout/unit-name";
    /// Not the name of an account.
    RolloutAccountName = "rollout/account-name";
    /// Not the name of an environment variable.
    RolloutEnvironmentName = "rollout/environment-name";
    /// An environment variable of the copy that `migrate` sets itself.
    RolloutReservedVariable = "rollout/reserved-variable";
    /// A value that no line of an environment file can hold.
    RolloutEnvironmentValue = "rollout/environment-value";
    /// Not the name or ARN of a secret.
    RolloutSecretName = "rollout/secret-name";
    /// A text that is empty.
    RolloutEmptyText = "rollout/empty-text";
    /// `${...}` in a file where nothing is expanded.
    RolloutExpansion = "rollout/expansion";
    /// A file named in the rollout does not exist here.
    RolloutMissingFile = "rollout/missing-file";

    /// Two journeys share a name.
    JourneysDuplicateName = "journeys/duplicate-name";
    /// A request without a method, or with several.
    JourneysMethod = "journeys/method";
    /// Not the path of a page.
    JourneysPath = "journeys/path";
    /// Several bodies, or one where none belongs.
    JourneysBody = "journeys/body";
    /// A header that is none, or that the generator writes itself.
    JourneysHeader = "journeys/header";
    /// `${` that is not a reference.
    JourneysBrokenReference = "journeys/broken-reference";
    /// A reference to a value that nothing before extracts.
    JourneysUnknownVariable = "journeys/unknown-variable";
    /// A name that no extracted value can have.
    JourneysVariableName = "journeys/variable-name";
    /// Not a regular expression with a group.
    JourneysRegex = "journeys/regex";
    /// Not a JSON pointer.
    JourneysJsonPointer = "journeys/json-pointer";
    /// Nothing in a journey proves who the user is taken for.
    JourneysNoIdentity = "journeys/no-identity";

    /// A phase has no file.
    PhasesMissingFile = "phases/missing-file";
    /// A phase has two files.
    PhasesDuplicateFile = "phases/duplicate-file";
    /// A YAML file that is not the file of a phase.
    PhasesIgnoredFile = "phases/ignored-file";
    /// The number inside the file is not the one in its name.
    PhasesNumberMismatch = "phases/number-mismatch";
    /// A step that is not a map with a single key.
    PhasesStepForm = "phases/step-form";
    /// A kind of step that does not exist.
    PhasesUnknownKind = "phases/unknown-kind";
    /// Two steps of a phase share an id.
    PhasesDuplicateId = "phases/duplicate-id";
    /// A reference to a fact that no step provides.
    PhasesUnknownFact = "phases/unknown-fact";
    /// A reference to a fact that only a later step provides.
    PhasesLaterFact = "phases/later-fact";
    /// `${` that is not one whole reference.
    PhasesBrokenReference = "phases/broken-reference";
    /// A script for a target that the rollout does not have.
    PhasesUnknownTarget = "phases/unknown-target";
    /// A script for production before the phase that may change it.
    PhasesEarlyProduction = "phases/early-production";
    /// An `each_target` that is no list of steps, or with steps that cannot be repeated.
    PhasesEachTarget = "phases/each-target";
    /// A gate that guards no step before it that changes something.
    PhasesGuards = "phases/guards";
    /// A fact that each target has its own of, used where no target is meant.
    PhasesFactOfATarget = "phases/fact-of-a-target";
}

impl std::fmt::Display for Code {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
