//! [Service]: what systemd 252 knows of exec, kill and resource control, and we do not honour yet.
use super::{Row, Standing, bare};

pub(super) fn rows() -> Vec<Row> {
    [
        bare("Service", Standing::NotYet, SANDBOX),
        bare(
            "Service",
            Standing::Needed("without it the service would run as root; write User= for now"),
            "DynamicUser",
        ),
        bare(
            "Service",
            Standing::Needed("without it the service would run in the host's own root directory"),
            "RootDirectory RootImage",
        ),
        bare("Service", Standing::NotYet, EXECUTION),
        bare("Service", Standing::NotYet, RESOURCES),
        bare(
            "Service",
            Standing::Meaningless(
                "each service has its own cgroup below gitproc's; accounting is always on",
            ),
            "CPUAccounting MemoryAccounting TasksAccounting IOAccounting BlockIOAccounting
             IPAccounting",
        ),
    ]
    .concat()
}

const SANDBOX: &str = "
    ProtectSystem ProtectHome ProtectKernelTunables ProtectKernelModules ProtectKernelLogs
    ProtectControlGroups ProtectClock ProtectHostname ProtectProc ProcSubset PrivateTmp
    PrivateDevices PrivateNetwork PrivateUsers PrivateMounts PrivateIPC NetworkNamespacePath
    IPCNamespacePath ReadWritePaths ReadOnlyPaths InaccessiblePaths ExecPaths NoExecPaths
    ReadWriteDirectories ReadOnlyDirectories InaccessibleDirectories BindPaths BindReadOnlyPaths
    TemporaryFileSystem MountFlags MountAPIVFS MountImages RootImageOptions
    RootHash RootHashSignature RootVerity ExtensionImages ExtensionDirectories
    SystemCallFilter SystemCallArchitectures SystemCallErrorNumber SystemCallLog
    RestrictAddressFamilies RestrictNamespaces RestrictRealtime RestrictSUIDSGID
    RestrictFileSystems LockPersonality MemoryDenyWriteExecute Personality RemoveIPC SecureBits
    Capabilities SELinuxContext AppArmorProfile SmackProcessLabel KeyringMode";

const EXECUTION: &str = "
    PassEnvironment UnsetEnvironment ExecSearchPath StandardInput StandardOutput StandardError
    StandardInputText StandardInputData SyslogIdentifier SyslogFacility SyslogLevel
    SyslogLevelPrefix LogLevelMax LogExtraFields LogRateLimitIntervalSec LogRateLimitBurst
    LogNamespace TTYPath TTYReset TTYVHangup TTYVTDisallocate TTYRows TTYColumns UtmpIdentifier
    UtmpMode PAMName IgnoreSIGPIPE NonBlocking TimerSlackNSec CoredumpFilter
    CPUSchedulingPolicy CPUSchedulingPriority CPUSchedulingResetOnFork CPUAffinity NUMAPolicy
    NUMAMask IOSchedulingClass IOSchedulingPriority LoadCredential LoadCredentialEncrypted
    SetCredential SetCredentialEncrypted TimeoutCleanSec";

const RESOURCES: &str = "
    Slice Delegate DisableControllers CPUWeight StartupCPUWeight CPUShares StartupCPUShares
    CPUQuotaPeriodSec AllowedCPUs StartupAllowedCPUs AllowedMemoryNodes
    StartupAllowedMemoryNodes MemoryMin MemoryLow MemorySwapMax DefaultMemoryMin
    DefaultMemoryLow IOWeight StartupIOWeight IODeviceWeight IOReadBandwidthMax
    IOWriteBandwidthMax IOReadIOPSMax IOWriteIOPSMax IODeviceLatencyTargetSec BlockIOWeight
    StartupBlockIOWeight BlockIODeviceWeight BlockIOReadBandwidth BlockIOWriteBandwidth
    DeviceAllow DevicePolicy IPAddressAllow IPAddressDeny IPIngressFilterPath
    IPEgressFilterPath BPFProgram SocketBindAllow SocketBindDeny RestrictNetworkInterfaces
    ManagedOOMSwap ManagedOOMMemoryPressure ManagedOOMMemoryPressureLimit
    ManagedOOMPreference";
