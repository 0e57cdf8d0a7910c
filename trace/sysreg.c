// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "sysreg.h"

struct reg {
	uint32_t reg;
	const char *name;
};

#define CP(op1, crn, crm, op2) SYSREG(0, op1, crn, crm, op2)

static const struct reg cp15_32[] = {
	{ CP(0, 0, 0, 0), "MIDR" },
	{ CP(0, 0, 0, 1), "CTR" },
	{ CP(0, 0, 0, 2), "TCMTR" },
	{ CP(0, 0, 0, 3), "TLBTR" },
	{ CP(0, 0, 0, 5), "MPIDR" },
	{ CP(0, 0, 0, 6), "REVIDR" },
	{ CP(0, 0, 1, 0), "ID_PFR0" },
	{ CP(0, 0, 1, 1), "ID_PFR1" },
	{ CP(0, 0, 1, 2), "ID_DFR0" },
	{ CP(0, 0, 1, 3), "ID_AFR0" },
	{ CP(0, 0, 1, 4), "ID_MMFR0" },
	{ CP(0, 0, 1, 5), "ID_MMFR1" },
	{ CP(0, 0, 1, 6), "ID_MMFR2" },
	{ CP(0, 0, 1, 7), "ID_MMFR3" },
	{ CP(0, 0, 2, 0), "ID_ISAR0" },
	{ CP(0, 0, 2, 1), "ID_ISAR1" },
	{ CP(0, 0, 2, 2), "ID_ISAR2" },
	{ CP(0, 0, 2, 3), "ID_ISAR3" },
	{ CP(0, 0, 2, 4), "ID_ISAR4" },
	{ CP(0, 0, 2, 5), "ID_ISAR5" },
	{ CP(0, 0, 2, 6), "ID_MMFR4" },
	{ CP(0, 0, 2, 7), "ID_ISAR6" },
	{ CP(0, 0, 3, 4), "ID_PFR2" },
	{ CP(0, 0, 3, 5), "ID_DFR1" },
	{ CP(0, 0, 3, 6), "ID_MMFR5" },
	{ CP(1, 0, 0, 0), "CCSIDR" },
	{ CP(1, 0, 0, 1), "CLIDR" },
	{ CP(1, 0, 0, 2), "CCSIDR2" },
	{ CP(1, 0, 0, 7), "AIDR" },
	{ CP(2, 0, 0, 0), "CSSELR" },
	{ CP(0, 1, 0, 0), "SCTLR" },
	{ CP(0, 1, 0, 1), "ACTLR" },
	{ CP(0, 1, 0, 2), "CPACR" },
	{ CP(0, 1, 0, 3), "ACTLR2" },
	{ CP(0, 1, 1, 0), "SCR" },
	{ CP(0, 1, 1, 1), "SDER" },
	{ CP(0, 1, 1, 2), "NSACR" },
	{ CP(0, 2, 0, 0), "TTBR0" },
	{ CP(0, 2, 0, 1), "TTBR1" },
	{ CP(0, 2, 0, 2), "TTBCR" },
	{ CP(0, 2, 0, 3), "TTBCR2" },
	{ CP(0, 3, 0, 0), "DACR" },
	{ CP(0, 4, 6, 0), "ICC_PMR" },
	{ CP(0, 5, 0, 0), "DFSR" },
	{ CP(0, 5, 0, 1), "IFSR" },
	{ CP(0, 5, 1, 0), "ADFSR" },
	{ CP(0, 5, 1, 1), "AIFSR" },
	{ CP(0, 6, 0, 0), "DFAR" },
	{ CP(0, 6, 0, 2), "IFAR" },
	{ CP(0, 7, 1, 0), "ICIALLUIS" },
	{ CP(0, 7, 1, 6), "BPIALLIS" },
	{ CP(0, 7, 4, 0), "PAR" },
	{ CP(0, 7, 5, 0), "ICIALLU" },
	{ CP(0, 7, 5, 1), "ICIMVAU" },
	{ CP(0, 7, 5, 4), "CP15ISB" },
	{ CP(0, 7, 5, 6), "BPIALL" },
	{ CP(0, 7, 5, 7), "BPIMVA" },
	{ CP(0, 7, 6, 1), "DCIMVAC" },
	{ CP(0, 7, 6, 2), "DCISW" },
	{ CP(0, 7, 8, 0), "ATS1CPR" },
	{ CP(0, 7, 8, 1), "ATS1CPW" },
	{ CP(0, 7, 8, 2), "ATS1CUR" },
	{ CP(0, 7, 8, 3), "ATS1CUW" },
	{ CP(0, 7, 10, 1), "DCCMVAC" },
	{ CP(0, 7, 10, 2), "DCCSW" },
	{ CP(0, 7, 10, 4), "CP15DSB" },
	{ CP(0, 7, 10, 5), "CP15DMB" },
	{ CP(0, 7, 11, 1), "DCCMVAU" },
	{ CP(0, 7, 14, 1), "DCCIMVAC" },
	{ CP(0, 7, 14, 2), "DCCISW" },
	{ CP(0, 8, 3, 0), "TLBIALLIS" },
	{ CP(0, 8, 3, 1), "TLBIMVAIS" },
	{ CP(0, 8, 3, 2), "TLBIASIDIS" },
	{ CP(0, 8, 3, 3), "TLBIMVAAIS" },
	{ CP(0, 8, 5, 0), "ITLBIALL" },
	{ CP(0, 8, 6, 0), "DTLBIALL" },
	{ CP(0, 8, 7, 0), "TLBIALL" },
	{ CP(0, 8, 7, 1), "TLBIMVA" },
	{ CP(0, 8, 7, 2), "TLBIASID" },
	{ CP(0, 8, 7, 3), "TLBIMVAA" },
	{ CP(0, 9, 12, 0), "PMCR" },
	{ CP(0, 9, 12, 1), "PMCNTENSET" },
	{ CP(0, 9, 12, 2), "PMCNTENCLR" },
	{ CP(0, 9, 12, 3), "PMOVSR" },
	{ CP(0, 9, 12, 4), "PMSWINC" },
	{ CP(0, 9, 12, 5), "PMSELR" },
	{ CP(0, 9, 12, 6), "PMCEID0" },
	{ CP(0, 9, 12, 7), "PMCEID1" },
	{ CP(0, 9, 13, 0), "PMCCNTR" },
	{ CP(0, 9, 13, 1), "PMXEVTYPER" },
	{ CP(0, 9, 13, 2), "PMXEVCNTR" },
	{ CP(0, 9, 14, 0), "PMUSERENR" },
	{ CP(0, 9, 14, 1), "PMINTENSET" },
	{ CP(0, 9, 14, 2), "PMINTENCLR" },
	{ CP(0, 9, 14, 3), "PMOVSSET" },
	{ CP(1, 9, 0, 2), "L2CTLR" },
	{ CP(1, 9, 0, 3), "L2ECTLR" },
	{ CP(0, 10, 2, 0), "MAIR0" },
	{ CP(0, 10, 2, 1), "MAIR1" },
	{ CP(0, 10, 3, 0), "AMAIR0" },
	{ CP(0, 10, 3, 1), "AMAIR1" },
	{ CP(0, 12, 0, 0), "VBAR" },
	{ CP(0, 12, 1, 0), "ISR" },
	{ CP(0, 12, 8, 0), "ICC_IAR0" },
	{ CP(0, 12, 8, 1), "ICC_EOIR0" },
	{ CP(0, 12, 8, 2), "ICC_HPPIR0" },
	{ CP(0, 12, 8, 3), "ICC_BPR0" },
	{ CP(0, 12, 11, 1), "ICC_DIR" },
	{ CP(0, 12, 11, 3), "ICC_RPR" },
	{ CP(0, 12, 12, 0), "ICC_IAR1" },
	{ CP(0, 12, 12, 1), "ICC_EOIR1" },
	{ CP(0, 12, 12, 2), "ICC_HPPIR1" },
	{ CP(0, 12, 12, 3), "ICC_BPR1" },
	{ CP(0, 12, 12, 4), "ICC_CTLR" },
	{ CP(0, 12, 12, 5), "ICC_SRE" },
	{ CP(0, 12, 12, 6), "ICC_IGRPEN0" },
	{ CP(0, 12, 12, 7), "ICC_IGRPEN1" },
	{ CP(0, 13, 0, 1), "CONTEXTIDR" },
	{ CP(0, 13, 0, 2), "TPIDRURW" },
	{ CP(0, 13, 0, 3), "TPIDRURO" },
	{ CP(0, 13, 0, 4), "TPIDRPRW" },
	{ CP(0, 14, 0, 0), "CNTFRQ" },
	{ CP(0, 14, 1, 0), "CNTKCTL" },
	{ CP(0, 14, 2, 0), "CNTP_TVAL" },
	{ CP(0, 14, 2, 1), "CNTP_CTL" },
	{ CP(0, 14, 3, 0), "CNTV_TVAL" },
	{ CP(0, 14, 3, 1), "CNTV_CTL" },
	{ CP(0, 14, 15, 7), "PMCCFILTR" },
};

static const struct reg cp15_64[] = {
	{ CP(0, 0, 2, 0), "TTBR0" },      { CP(1, 0, 2, 0), "TTBR1" },
	{ CP(0, 0, 7, 0), "PAR" },        { CP(0, 0, 9, 0), "PMCCNTR" },
	{ CP(0, 0, 12, 0), "ICC_SGI1R" }, { CP(1, 0, 12, 0), "ICC_ASGI1R" },
	{ CP(2, 0, 12, 0), "ICC_SGI0R" }, { CP(0, 0, 14, 0), "CNTPCT" },
	{ CP(1, 0, 14, 0), "CNTVCT" },    { CP(2, 0, 14, 0), "CNTP_CVAL" },
	{ CP(3, 0, 14, 0), "CNTV_CVAL" },
};

static const struct reg cp14_32[] = {
	{ CP(0, 0, 0, 0), "DBGDIDR" },     { CP(0, 0, 0, 2), "DBGDTRRXext" },
	{ CP(0, 0, 1, 0), "DBGDSCRint" },  { CP(0, 0, 2, 0), "DBGDCCINT" },
	{ CP(0, 0, 2, 2), "DBGDSCRext" },  { CP(0, 0, 3, 2), "DBGDTRTXext" },
	{ CP(0, 0, 5, 0), "DBGDTRint" },   { CP(0, 0, 6, 0), "DBGWFAR" },
	{ CP(0, 0, 6, 2), "DBGOSECCR" },   { CP(0, 0, 7, 0), "DBGVCR" },
	{ CP(0, 1, 0, 0), "DBGDRAR" },     { CP(0, 1, 0, 4), "DBGOSLAR" },
	{ CP(0, 1, 1, 4), "DBGOSLSR" },    { CP(0, 1, 3, 4), "DBGOSDLR" },
	{ CP(0, 1, 4, 4), "DBGPRCR" },     { CP(0, 2, 0, 0), "DBGDSAR" },
	{ CP(0, 7, 0, 7), "DBGDEVID2" },   { CP(0, 7, 1, 7), "DBGDEVID1" },
	{ CP(0, 7, 2, 7), "DBGDEVID" },    { CP(0, 7, 8, 6), "DBGCLAIMSET" },
	{ CP(0, 7, 9, 6), "DBGCLAIMCLR" }, { CP(0, 7, 14, 6), "DBGAUTHSTATUS" },
	{ CP(7, 0, 0, 0), "JIDR" },        { CP(7, 1, 0, 0), "JOSCR" },
	{ CP(7, 2, 0, 0), "JMCR" },
};

static const struct reg cp14_64[] = {
	{ CP(0, 0, 1, 0), "DBGDRAR" },
	{ CP(0, 0, 2, 0), "DBGDSAR" },
};

static const struct reg vfp[] = {
	{ CP(7, 0, 0, 0), "FPSID" }, { CP(7, 1, 0, 0), "FPSCR" },
	{ CP(7, 5, 0, 0), "MVFR2" }, { CP(7, 6, 0, 0), "MVFR1" },
	{ CP(7, 7, 0, 0), "MVFR0" }, { CP(7, 8, 0, 0), "FPEXC" },
};

static const struct reg a64[] = {
	{ SYSREG(1, 0, 7, 1, 0), "IC IALLUIS" },
	{ SYSREG(1, 0, 7, 5, 0), "IC IALLU" },
	{ SYSREG(1, 0, 7, 6, 1), "DC IVAC" },
	{ SYSREG(1, 0, 7, 6, 2), "DC ISW" },
	{ SYSREG(1, 0, 7, 10, 2), "DC CSW" },
	{ SYSREG(1, 0, 7, 14, 2), "DC CISW" },
	{ SYSREG(1, 3, 7, 4, 1), "DC ZVA" },
	{ SYSREG(1, 3, 7, 5, 1), "IC IVAU" },
	{ SYSREG(1, 3, 7, 10, 1), "DC CVAC" },
	{ SYSREG(1, 3, 7, 11, 1), "DC CVAU" },
	{ SYSREG(1, 3, 7, 14, 1), "DC CIVAC" },
	{ SYSREG(1, 0, 8, 3, 0), "TLBI VMALLE1IS" },
	{ SYSREG(1, 0, 8, 3, 1), "TLBI VAE1IS" },
	{ SYSREG(1, 0, 8, 3, 2), "TLBI ASIDE1IS" },
	{ SYSREG(1, 0, 8, 7, 0), "TLBI VMALLE1" },
	{ SYSREG(1, 0, 8, 7, 1), "TLBI VAE1" },
	{ SYSREG(1, 0, 8, 7, 2), "TLBI ASIDE1" },
	{ SYSREG(2, 0, 0, 0, 2), "OSDTRRX_EL1" },
	{ SYSREG(2, 0, 0, 2, 0), "MDCCINT_EL1" },
	{ SYSREG(2, 0, 0, 2, 2), "MDSCR_EL1" },
	{ SYSREG(2, 0, 0, 3, 2), "OSDTRTX_EL1" },
	{ SYSREG(2, 0, 0, 6, 2), "OSECCR_EL1" },
	{ SYSREG(2, 3, 0, 1, 0), "MDCCSR_EL0" },
	{ SYSREG(2, 3, 0, 4, 0), "DBGDTR_EL0" },
	{ SYSREG(2, 3, 0, 5, 0), "DBGDTRRX_EL0" },
	{ SYSREG(2, 0, 1, 0, 0), "MDRAR_EL1" },
	{ SYSREG(2, 0, 1, 0, 4), "OSLAR_EL1" },
	{ SYSREG(2, 0, 1, 1, 4), "OSLSR_EL1" },
	{ SYSREG(2, 0, 1, 3, 4), "OSDLR_EL1" },
	{ SYSREG(2, 0, 1, 4, 4), "DBGPRCR_EL1" },
	{ SYSREG(2, 0, 7, 8, 6), "DBGCLAIMSET_EL1" },
	{ SYSREG(2, 0, 7, 9, 6), "DBGCLAIMCLR_EL1" },
	{ SYSREG(2, 0, 7, 14, 6), "DBGAUTHSTATUS_EL1" },
	{ SYSREG(3, 0, 0, 0, 0), "MIDR_EL1" },
	{ SYSREG(3, 0, 0, 0, 5), "MPIDR_EL1" },
	{ SYSREG(3, 0, 0, 0, 6), "REVIDR_EL1" },
	{ SYSREG(3, 0, 0, 1, 0), "ID_PFR0_EL1" },
	{ SYSREG(3, 0, 0, 1, 1), "ID_PFR1_EL1" },
	{ SYSREG(3, 0, 0, 1, 2), "ID_DFR0_EL1" },
	{ SYSREG(3, 0, 0, 1, 3), "ID_AFR0_EL1" },
	{ SYSREG(3, 0, 0, 1, 4), "ID_MMFR0_EL1" },
	{ SYSREG(3, 0, 0, 1, 5), "ID_MMFR1_EL1" },
	{ SYSREG(3, 0, 0, 1, 6), "ID_MMFR2_EL1" },
	{ SYSREG(3, 0, 0, 1, 7), "ID_MMFR3_EL1" },
	{ SYSREG(3, 0, 0, 2, 0), "ID_ISAR0_EL1" },
	{ SYSREG(3, 0, 0, 2, 1), "ID_ISAR1_EL1" },
	{ SYSREG(3, 0, 0, 2, 2), "ID_ISAR2_EL1" },
	{ SYSREG(3, 0, 0, 2, 3), "ID_ISAR3_EL1" },
	{ SYSREG(3, 0, 0, 2, 4), "ID_ISAR4_EL1" },
	{ SYSREG(3, 0, 0, 2, 5), "ID_ISAR5_EL1" },
	{ SYSREG(3, 0, 0, 2, 6), "ID_MMFR4_EL1" },
	{ SYSREG(3, 0, 0, 2, 7), "ID_ISAR6_EL1" },
	{ SYSREG(3, 0, 0, 3, 0), "MVFR0_EL1" },
	{ SYSREG(3, 0, 0, 3, 1), "MVFR1_EL1" },
	{ SYSREG(3, 0, 0, 3, 2), "MVFR2_EL1" },
	{ SYSREG(3, 0, 0, 3, 4), "ID_PFR2_EL1" },
	{ SYSREG(3, 0, 0, 3, 5), "ID_DFR1_EL1" },
	{ SYSREG(3, 0, 0, 3, 6), "ID_MMFR5_EL1" },
	{ SYSREG(3, 0, 0, 4, 0), "ID_AA64PFR0_EL1" },
	{ SYSREG(3, 0, 0, 4, 1), "ID_AA64PFR1_EL1" },
	{ SYSREG(3, 0, 0, 4, 2), "ID_AA64PFR2_EL1" },
	{ SYSREG(3, 0, 0, 4, 4), "ID_AA64ZFR0_EL1" },
	{ SYSREG(3, 0, 0, 4, 5), "ID_AA64SMFR0_EL1" },
	{ SYSREG(3, 0, 0, 4, 7), "ID_AA64FPFR0_EL1" },
	{ SYSREG(3, 0, 0, 5, 0), "ID_AA64DFR0_EL1" },
	{ SYSREG(3, 0, 0, 5, 1), "ID_AA64DFR1_EL1" },
	{ SYSREG(3, 0, 0, 5, 4), "ID_AA64AFR0_EL1" },
	{ SYSREG(3, 0, 0, 5, 5), "ID_AA64AFR1_EL1" },
	{ SYSREG(3, 0, 0, 6, 0), "ID_AA64ISAR0_EL1" },
	{ SYSREG(3, 0, 0, 6, 1), "ID_AA64ISAR1_EL1" },
	{ SYSREG(3, 0, 0, 6, 2), "ID_AA64ISAR2_EL1" },
	{ SYSREG(3, 0, 0, 6, 3), "ID_AA64ISAR3_EL1" },
	{ SYSREG(3, 0, 0, 7, 0), "ID_AA64MMFR0_EL1" },
	{ SYSREG(3, 0, 0, 7, 1), "ID_AA64MMFR1_EL1" },
	{ SYSREG(3, 0, 0, 7, 2), "ID_AA64MMFR2_EL1" },
	{ SYSREG(3, 0, 0, 7, 3), "ID_AA64MMFR3_EL1" },
	{ SYSREG(3, 0, 0, 7, 4), "ID_AA64MMFR4_EL1" },
	{ SYSREG(3, 1, 0, 0, 0), "CCSIDR_EL1" },
	{ SYSREG(3, 1, 0, 0, 1), "CLIDR_EL1" },
	{ SYSREG(3, 1, 0, 0, 2), "CCSIDR2_EL1" },
	{ SYSREG(3, 1, 0, 0, 4), "GMID_EL1" },
	{ SYSREG(3, 1, 0, 0, 6), "SMIDR_EL1" },
	{ SYSREG(3, 1, 0, 0, 7), "AIDR_EL1" },
	{ SYSREG(3, 2, 0, 0, 0), "CSSELR_EL1" },
	{ SYSREG(3, 3, 0, 0, 1), "CTR_EL0" },
	{ SYSREG(3, 3, 0, 0, 7), "DCZID_EL0" },
	{ SYSREG(3, 0, 1, 0, 0), "SCTLR_EL1" },
	{ SYSREG(3, 0, 1, 0, 1), "ACTLR_EL1" },
	{ SYSREG(3, 0, 1, 0, 2), "CPACR_EL1" },
	{ SYSREG(3, 0, 1, 0, 5), "RGSR_EL1" },
	{ SYSREG(3, 0, 1, 0, 6), "GCR_EL1" },
	{ SYSREG(3, 0, 1, 2, 0), "ZCR_EL1" },
	{ SYSREG(3, 0, 1, 2, 1), "TRFCR_EL1" },
	{ SYSREG(3, 0, 2, 0, 0), "TTBR0_EL1" },
	{ SYSREG(3, 0, 2, 0, 1), "TTBR1_EL1" },
	{ SYSREG(3, 0, 2, 0, 2), "TCR_EL1" },
	{ SYSREG(3, 0, 2, 1, 0), "APIAKeyLo_EL1" },
	{ SYSREG(3, 0, 4, 6, 0), "ICC_PMR_EL1" },
	{ SYSREG(3, 0, 5, 1, 0), "AFSR0_EL1" },
	{ SYSREG(3, 0, 5, 1, 1), "AFSR1_EL1" },
	{ SYSREG(3, 0, 5, 2, 0), "ESR_EL1" },
	{ SYSREG(3, 0, 5, 3, 0), "ERRIDR_EL1" },
	{ SYSREG(3, 0, 5, 3, 1), "ERRSELR_EL1" },
	{ SYSREG(3, 0, 6, 0, 0), "FAR_EL1" },
	{ SYSREG(3, 0, 7, 4, 0), "PAR_EL1" },
	{ SYSREG(3, 0, 9, 9, 0), "PMSCR_EL1" },
	{ SYSREG(3, 0, 9, 9, 7), "PMSIDR_EL1" },
	{ SYSREG(3, 0, 9, 10, 0), "PMBLIMITR_EL1" },
	{ SYSREG(3, 0, 9, 10, 7), "PMBIDR_EL1" },
	{ SYSREG(3, 0, 9, 14, 1), "PMINTENSET_EL1" },
	{ SYSREG(3, 0, 9, 14, 2), "PMINTENCLR_EL1" },
	{ SYSREG(3, 0, 9, 14, 6), "PMMIR_EL1" },
	{ SYSREG(3, 3, 9, 12, 0), "PMCR_EL0" },
	{ SYSREG(3, 3, 9, 12, 1), "PMCNTENSET_EL0" },
	{ SYSREG(3, 3, 9, 12, 2), "PMCNTENCLR_EL0" },
	{ SYSREG(3, 3, 9, 12, 3), "PMOVSCLR_EL0" },
	{ SYSREG(3, 3, 9, 12, 4), "PMSWINC_EL0" },
	{ SYSREG(3, 3, 9, 12, 5), "PMSELR_EL0" },
	{ SYSREG(3, 3, 9, 12, 6), "PMCEID0_EL0" },
	{ SYSREG(3, 3, 9, 12, 7), "PMCEID1_EL0" },
	{ SYSREG(3, 3, 9, 13, 0), "PMCCNTR_EL0" },
	{ SYSREG(3, 3, 9, 13, 1), "PMXEVTYPER_EL0" },
	{ SYSREG(3, 3, 9, 13, 2), "PMXEVCNTR_EL0" },
	{ SYSREG(3, 3, 9, 14, 0), "PMUSERENR_EL0" },
	{ SYSREG(3, 3, 9, 14, 3), "PMOVSSET_EL0" },
	{ SYSREG(3, 0, 10, 2, 0), "MAIR_EL1" },
	{ SYSREG(3, 0, 10, 3, 0), "AMAIR_EL1" },
	{ SYSREG(3, 0, 10, 4, 0), "LORSA_EL1" },
	{ SYSREG(3, 0, 10, 4, 1), "LOREA_EL1" },
	{ SYSREG(3, 0, 10, 4, 2), "LORN_EL1" },
	{ SYSREG(3, 0, 10, 4, 3), "LORC_EL1" },
	{ SYSREG(3, 0, 10, 4, 7), "LORID_EL1" },
	{ SYSREG(3, 0, 12, 0, 0), "VBAR_EL1" },
	{ SYSREG(3, 0, 12, 1, 1), "DISR_EL1" },
	{ SYSREG(3, 0, 12, 8, 0), "ICC_IAR0_EL1" },
	{ SYSREG(3, 0, 12, 8, 1), "ICC_EOIR0_EL1" },
	{ SYSREG(3, 0, 12, 8, 2), "ICC_HPPIR0_EL1" },
	{ SYSREG(3, 0, 12, 8, 3), "ICC_BPR0_EL1" },
	{ SYSREG(3, 0, 12, 11, 1), "ICC_DIR_EL1" },
	{ SYSREG(3, 0, 12, 11, 3), "ICC_RPR_EL1" },
	{ SYSREG(3, 0, 12, 11, 5), "ICC_SGI1R_EL1" },
	{ SYSREG(3, 0, 12, 11, 6), "ICC_ASGI1R_EL1" },
	{ SYSREG(3, 0, 12, 11, 7), "ICC_SGI0R_EL1" },
	{ SYSREG(3, 0, 12, 12, 0), "ICC_IAR1_EL1" },
	{ SYSREG(3, 0, 12, 12, 1), "ICC_EOIR1_EL1" },
	{ SYSREG(3, 0, 12, 12, 2), "ICC_HPPIR1_EL1" },
	{ SYSREG(3, 0, 12, 12, 3), "ICC_BPR1_EL1" },
	{ SYSREG(3, 0, 12, 12, 4), "ICC_CTLR_EL1" },
	{ SYSREG(3, 0, 12, 12, 5), "ICC_SRE_EL1" },
	{ SYSREG(3, 0, 12, 12, 6), "ICC_IGRPEN0_EL1" },
	{ SYSREG(3, 0, 12, 12, 7), "ICC_IGRPEN1_EL1" },
	{ SYSREG(3, 0, 13, 0, 1), "CONTEXTIDR_EL1" },
	{ SYSREG(3, 0, 13, 0, 4), "TPIDR_EL1" },
	{ SYSREG(3, 0, 13, 0, 7), "SCXTNUM_EL1" },
	{ SYSREG(3, 3, 13, 0, 2), "TPIDR_EL0" },
	{ SYSREG(3, 3, 13, 0, 3), "TPIDRRO_EL0" },
	{ SYSREG(3, 3, 13, 0, 5), "TPIDR2_EL0" },
	{ SYSREG(3, 3, 13, 2, 0), "AMCR_EL0" },
	{ SYSREG(3, 0, 14, 1, 0), "CNTKCTL_EL1" },
	{ SYSREG(3, 3, 14, 0, 0), "CNTFRQ_EL0" },
	{ SYSREG(3, 3, 14, 0, 1), "CNTPCT_EL0" },
	{ SYSREG(3, 3, 14, 0, 2), "CNTVCT_EL0" },
	{ SYSREG(3, 3, 14, 0, 5), "CNTPCTSS_EL0" },
	{ SYSREG(3, 3, 14, 2, 0), "CNTP_TVAL_EL0" },
	{ SYSREG(3, 3, 14, 2, 1), "CNTP_CTL_EL0" },
	{ SYSREG(3, 3, 14, 2, 2), "CNTP_CVAL_EL0" },
	{ SYSREG(3, 3, 14, 3, 0), "CNTV_TVAL_EL0" },
	{ SYSREG(3, 3, 14, 3, 1), "CNTV_CTL_EL0" },
	{ SYSREG(3, 3, 14, 3, 2), "CNTV_CVAL_EL0" },
	{ SYSREG(3, 3, 14, 15, 7), "PMCCFILTR_EL0" },
};

#define TABLE(t)                              \
	{                                     \
		t, sizeof(t) / sizeof((t)[0]) \
	}

static const struct {
	const struct reg *reg;
	size_t count;
} table[SYSREG_SPACES] = {
	[SYSREG_A64] = TABLE(a64),         [SYSREG_CP15_32] = TABLE(cp15_32),
	[SYSREG_CP15_64] = TABLE(cp15_64), [SYSREG_CP14_32] = TABLE(cp14_32),
	[SYSREG_CP14_64] = TABLE(cp14_64), [SYSREG_VFP] = TABLE(vfp),
};

/*
 * Registers that come in rows.  True if @reg is of one.  The debug registers
 * have their number in CRm, the event counters in CRm[1:0]:op2.
 */
static int row_name(enum sysreg_space space, uint32_t reg, char *buf,
		    size_t size)
{
	static const char *const cp14[] = { NULL,     NULL,     NULL,
					    NULL,     "DBGBVR", "DBGBCR",
					    "DBGWVR", "DBGWCR" };
	static const char *const a64_debug[] = { "DBGBVR", "DBGBCR", "DBGWVR",
						 "DBGWCR" };
	unsigned int op2 = reg & 0xf, crm = reg >> 4 & 0xf;
	unsigned int crn = reg >> 8 & 0xf, top = reg >> 12;
	unsigned int n = (crm & 3) << 3 | op2;
	int is_a64 = space == SYSREG_A64;

	if (space == SYSREG_CP14_32 && top == 0 && crn == 0 && op2 >= 4 &&
	    op2 <= 7) {
		snprintf(buf, size, "%s%u", cp14[op2], crm);
		return 1;
	}
	if (space == SYSREG_CP14_32 && top == 0 && crn == 1 && op2 == 1) {
		snprintf(buf, size, "DBGBXVR%u", crm);
		return 1;
	}
	if (is_a64 && top == (2 << 4 | 0) && crn == 0 && op2 >= 4 && op2 <= 7) {
		snprintf(buf, size, "%s%u_EL1", a64_debug[op2 - 4], crm);
		return 1;
	}
	if (crn == 14 && crm >= 8 && n < 31 &&
	    ((space == SYSREG_CP15_32 && top == 0) ||
	     (is_a64 && top == (3 << 4 | 3)))) {
		snprintf(buf, size, "%s%u%s",
			 crm < 12 ? "PMEVCNTR" : "PMEVTYPER", n,
			 is_a64 ? "_EL0" : "");
		return 1;
	}
	return 0;
}

void sysreg_name(enum sysreg_space space, uint32_t reg, char *buf, size_t size)
{
	unsigned int op2 = reg & 0xf, crm = reg >> 4 & 0xf;
	unsigned int crn = reg >> 8 & 0xf, op1 = reg >> 12 & 0xf;

	for (size_t i = 0; i < table[space].count; i++) {
		if (table[space].reg[i].reg == reg) {
			snprintf(buf, size, "%s", table[space].reg[i].name);
			return;
		}
	}
	if (row_name(space, reg, buf, size))
		return;
	switch (space) {
	case SYSREG_CP15_32:
	case SYSREG_CP14_32:
		snprintf(buf, size, "%s,%u,c%u,c%u,%u",
			 space == SYSREG_CP15_32 ? "p15" : "p14", op1, crn, crm,
			 op2);
		break;
	case SYSREG_CP15_64:
	case SYSREG_CP14_64:
		snprintf(buf, size, "%s,%u,c%u",
			 space == SYSREG_CP15_64 ? "p15" : "p14", op1, crm);
		break;
	case SYSREG_VFP:
		snprintf(buf, size, "p10,%u,c%u,c%u,%u", op1, crn, crm, op2);
		break;
	default:
		snprintf(buf, size, "S%u_%u_C%u_C%u_%u", reg >> 16 & 3, op1,
			 crn, crm, op2);
		break;
	}
}
